"""Makes a tiny Llama with random weights, as a GGUF file and as a folder in Hugging Face's layout. Nothing is downloaded.

    model.py FOLDER      writes FOLDER/tiny.gguf and FOLDER/tiny (whose tokenizer.json the client reads too)

Its tokenizer is a byte-level BPE trained here, on the words of Python's own standard library; what it says is gibberish.
"""

import collections
import json
import re
import sys
import sysconfig
from pathlib import Path

import gguf
import numpy

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, HEAD = 128, 256, 2, 2, 1, 64
CONTEXT, SEED, MERGES, WORDS = 4096, 1, 1500, 4000
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
PAD, END = 0, 2
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def alphabet():
    """The characters that stand for the 256 bytes in GPT-2's vocabulary, by byte."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + at) for at, byte in enumerate(others)}


def words():
    """The commonest words of the standard library with their counts, each with the space before it."""
    counts = collections.Counter()
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-d]*.py")):
        counts.update(re.findall(r" ?[A-Za-z]+", path.read_text(encoding="utf-8", errors="ignore")))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:WORDS]


def merges(letters):
    """Byte-pair encoding (Sennrich et al. 2016): the commonest pair of neighbours becomes one, again and again."""
    counted = words()
    spelled = [[letters[byte] for byte in word.encode()] for word, _ in counted]
    pairs, places, made = collections.Counter(), collections.defaultdict(set), []

    def count(at, sign):
        for pair in zip(spelled[at], spelled[at][1:]):
            pairs[pair] += sign * counted[at][1]
            places[pair].add(at)

    for at in range(len(spelled)):
        count(at, 1)
    for _ in range(MERGES):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        made.append(best)
        for at in tuple(places[best]):
            count(at, -1)
            spelled[at] = joined(spelled[at], best)
            count(at, 1)
    return made


def joined(parts, pair):
    found, at = [], 0
    while at < len(parts):
        together = tuple(parts[at : at + 2]) == pair
        found.append("".join(pair) if together else parts[at])
        at += 1 + together
    return found


def weights(vocabulary):
    """Random matrices under Hugging Face's names, scaled so that activations keep their size."""
    random = numpy.random.default_rng(SEED)

    def matrix(rows, columns, scale=None):
        return (random.standard_normal((rows, columns)) * (scale or columns**-0.5)).astype(numpy.float32)

    ones = numpy.ones(HIDDEN, numpy.float32)
    tensors = {"model.embed_tokens": matrix(vocabulary, HIDDEN, 1.0), "model.norm": ones, "lm_head": matrix(vocabulary, HIDDEN)}
    for layer in range(LAYERS):
        own = {
            "self_attn.q_proj": matrix(HEADS * HEAD, HIDDEN),
            "self_attn.k_proj": matrix(KV_HEADS * HEAD, HIDDEN),
            "self_attn.v_proj": matrix(KV_HEADS * HEAD, HIDDEN),
            "self_attn.o_proj": matrix(HIDDEN, HEADS * HEAD),
            "mlp.gate_proj": matrix(INNER, HIDDEN),
            "mlp.up_proj": matrix(INNER, HIDDEN),
            "mlp.down_proj": matrix(HIDDEN, INNER),
            "input_layernorm": ones,
            "post_attention_layernorm": ones,
        }
        tensors |= {f"model.layers.{layer}.{name}": value for name, value in own.items()}
    return tensors


# The names that GGUF has for them.
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers": "blk",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_name(name):
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return f"{name}.weight"


def write_gguf(path, tokens, pairs, tensors):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in pairs])
    writer.add_eos_token_id(END)
    writer.add_pad_token_id(PAD)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    for name, value in tensors.items():
        writer.add_tensor(gguf_name(name), value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_hugging_face(folder, tokens, pairs, tensors):
    folder.mkdir(exist_ok=True)
    split = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    files = {
        "tokenizer.json": {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": tokens.index(token), "content": token, **added} for token in SPECIAL],
            "normalizer": None,
            "pre_tokenizer": split,
            "post_processor": None,
            "decoder": split,
            "model": {"type": "BPE", "vocab": {token: at for at, token in enumerate(tokens)}, "merges": [" ".join(pair) for pair in pairs]},
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": CONTEXT,
            "bos_token": None,
            "eos_token": SPECIAL[END],
            "pad_token": SPECIAL[PAD],
            "clean_up_tokenization_spaces": False,
            "chat_template": TEMPLATE,
        },
        "generation_config.json": {"eos_token_id": END, "pad_token_id": PAD, "do_sample": True},
        "config.json": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "torch_dtype": "float32",
            "hidden_size": HIDDEN,
            "intermediate_size": INNER,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": KV_HEADS,
            "head_dim": HEAD,
            "hidden_act": "silu",
            "max_position_embeddings": CONTEXT,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "attention_bias": False,
            "mlp_bias": False,
            "vocab_size": len(tokens),
            "tie_word_embeddings": False,
            "bos_token_id": None,
            "eos_token_id": END,
            "pad_token_id": PAD,
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")
    write_safetensors(folder / "model.safetensors", {f"{name}.weight": value for name, value in tensors.items()})


def write_safetensors(path, tensors):
    """The length of a JSON header, the header, the numbers: https://huggingface.co/docs/safetensors."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(value.tobytes() for value in tensors.values()))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    letters = alphabet()
    pairs = merges(letters)
    tokens = [*SPECIAL, *letters.values(), *("".join(pair) for pair in pairs)]
    # Two pairs can make the same word; tensors like round numbers.
    tokens = list(dict.fromkeys(tokens))
    tokens += [f"<|unused{at}|>" for at in range(-len(tokens) % 64)]
    tensors = weights(len(tokens))
    write_hugging_face(folder / "tiny", tokens, pairs, tensors)
    write_gguf(folder / "tiny.gguf", tokens, pairs, tensors)
    print(f"{len(tokens)} tokens, {sum(value.size for value in tensors.values())} weights")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
