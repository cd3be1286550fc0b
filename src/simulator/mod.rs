//! A simulated LLM server: pure arithmetic in `model`, its network face in `http`.
