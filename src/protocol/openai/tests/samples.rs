//! What real samples of chat and completions must decode to; `protocol/tests/samples.rs` reads the streamed ones.

use super::{cut, decode};
use crate::protocol::models::Listing;
use crate::protocol::tests::samples::{ending, finishes, http, is_streamed, names, squeeze, text, usage};
use crate::protocol::{Api, codec};

/// One line per streamed sample, counted by an independent reader: chunks with tokens, tokens that the chunks themselves
/// claim, chunks and comments without tokens, bytes of text, finish reasons, usage as prompt/output/cached, `[DONE]`, end.
pub(in crate::protocol) const STREAMS: &str = "
litellm/chat_stream_backend_killed_midstream.tail.http      12    -    0   55  -             -        -    in_stream_error
litellm/chat_stream_ignore_eos.body                          8    -    2   41  length        -        done ok
litellm/chat_stream_include_usage.body                       8    -    3   41  length        17/8/16  done ok
litellm/chat_stream_no_usage.body                            8    -    2   34  length        -        done ok
litellm/completions_stream.body                              8    -    2   51  length        3/8/0    done ok
llama-cpp-python/chat_stream_ignore_eos.body                 8    -    2   44  length        -        done ok
llama-cpp-python/chat_stream_include_usage.body              8    -    2   45  length        -        done ok
llama-cpp-python/chat_stream_no_usage.body                   7    -    3   41  length        -        done ok
llama-cpp-python/completions_stream.body                     8    -    1   43  length        -        done ok
llama-cpp-python/err_context_exceeded.body                   0    -    0    0  -             -        -    malformed
llama-server/chat_stream_ctx_full_midstream.tail             9    -    2   36  length        14/498/0 done ok
llama-server/chat_stream_ignore_eos.body                    16    -    3   68  length        17/16/16 done ok
llama-server/chat_stream_include_usage.body                  8    -    3   40  length        17/8/16  done ok
llama-server/chat_stream_logprobs.body                       3    -    2   11  length        -        done ok
llama-server/chat_stream_max_completion_tokens.body          4    -    3   18  length        17/4/16  done ok
llama-server/chat_stream_max_tokens_0.body                   1    -    2    8  length        -        done ok
llama-server/chat_stream_n2.body                             6    -    6   27  length,length 17/6/16  done ok
llama-server/chat_stream_no_usage.body                       7    -    2   51  length        -        done ok
llama-server/chat_stream_ping_while_queued.body              4    -    2   23  length        -        done ok
llama-server/chat_stream_return_progress.body                3    -    4   10  length        -        done ok
llama-server/chat_stream_timings_per_token.body              4    -    3   11  length        17/4/16  done ok
llama-server/completions_stream_include_usage.body           8    -    1   39  length        5/8/4    done ok
llama-server/completions_stream_no_usage.body                8    -    1   44  length        5/8/0    done ok
sglang/chat_stream_continuous_usage.body                     4    4    3   20  length        17/4/16  done ok
sglang/chat_stream_ignore_eos_min_tokens.body               16    -    3   74  length        17/16/16 done ok
sglang/chat_stream_include_usage.body                        8    -    3   35  length        17/8/16  done ok
sglang/chat_stream_max_completion_tokens.body                4    -    3   25  length        17/4/16  done ok
sglang/chat_stream_n2.body                                   6    -    5   23  length,length 17/6/16  done ok
sglang/chat_stream_no_usage.body                             7    -    2   40  length        -        done ok
sglang/chat_stream_scheduler_killed.tail.http                4    -    0   17  -             -        -    truncated
sglang/completions_stream_include_usage.body                 8    -    1   45  length        5/8/4    done ok
sglang/completions_stream_no_usage.body                      8    -    0   34  length        -        done ok
sglang/err_max_tokens_0.body                                 0    -    2    0  length        -        done malformed
sglang/ok_wrong_model.body                                   2    -    2   10  length        -        done ok
transformers-serve/cb_chat_stream.body                       8    -    2   34  length        11/8/-   -    ok
transformers-serve/chat_stream_include_usage.body            8    -    2   32  length        17/8/-   -    ok
transformers-serve/chat_stream_no_usage.body                 8    -    2   42  length        17/8/-   -    ok
transformers-serve/completions_stream.body                   7    -    1   32  length        3/8/-    -    ok
vllm/chat_stream_continuous_usage.body                       8    8    2   41  length        17/8/-   done ok
vllm/chat_stream_engine_killed_midstream.excerpt            12    -    3   78  -             -        done in_stream_error
vllm/chat_stream_ignore_eos_min_tokens.body                 15    -    3   76  length        17/16/-  done ok
vllm/chat_stream_include_usage.body                          8    -    2   36  length        17/8/-   done ok
vllm/chat_stream_logprobs.body                               3    -    2   16  length        17/3/-   done ok
vllm/chat_stream_max_completion_tokens.body                  4    -    2   21  length        17/4/-   done ok
vllm/chat_stream_max_tokens_1.body                           1    -    2    9  length        17/1/-   done ok
vllm/chat_stream_n2.body                                     7    -    4   61  length,length 17/8/-   done ok
vllm/chat_stream_no_usage.body                               8    -    1   30  length        -        done ok
vllm/chat_stream_reasoning_interval8.body                    4   24    2  119  length        17/24/0  done ok
vllm/chat_stream_reasoning_interval8_2nd_prefix_cache.body   3   10    2   49  length        17/10/0  done ok
vllm/chat_stream_return_token_ids.body                       3    3    2   19  length        17/3/-   done ok
vllm/completions_stream_error_engine_killed.body             0    -    1    0  -             -        done in_stream_error
vllm/completions_stream_include_usage.body                   8    -    1   40  length        5/8/-    done ok
vllm/completions_stream_interval8.body                       5   30    1  182  length        5/30/0   done ok
vllm/completions_stream_keepalive_while_queued.body          3   16   12   95  length        3/16/0   done ok
vllm/completions_stream_no_usage.body                        8    -    0   34  length        -        done ok
vllm/completions_stream_token_ids_prompt.body                3    -    1   19  length        4/3/-    done ok
vllm/completions_stream_two_prompts.body                     5    -    2   34  length,length 5/6/-    done ok
vllm/dummy_weights_completions.body                          6    -    1   31  length        5/6/-    done ok
vllm/ok_unknown_field.body                                   2    -    1   20  length        -        done ok
";

/// Samples that are responses without streaming: bytes of text, finish reason, usage.
pub(in crate::protocol) const WHOLES: &str = "
litellm/chat_nostream.http               200  48 length 17/8/0  ok
llama-cpp-python/chat_nostream.http      200  48 length 17/8/-  ok
llama-cpp-python/wrong_model.http        200   8 length 17/2/-  ok
llama-server/chat_nostream.http          200  48 length 17/8/0  ok
llama-server/completions_nostream.http   200  27 length 5/8/4   ok
llama-server/ok_wrong_model.http         200  15 length 17/2/16 ok
sglang/chat_nostream.http                200  31 length 17/8/0  ok
transformers-serve/chat_nostream.http    200  43 length 17/8/-  ok
vllm/chat_nostream.http                  200  41 length 17/8/-  ok
vllm/completions_nostream.http           200  48 length 5/8/-   ok
";

#[test]
fn every_whole_sample_decodes_to_its_line() {
    for line in WHOLES.lines().filter(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        let (status, body) = http(name);
        let (events, end) = decode(codec(Api::Chat).whole(), &cut(&body, &[1, 100, 101]), true);
        let read = format!(
            "{name} {status} {} {} {} {}",
            text(&events),
            finishes(&events),
            usage(&events),
            ending(&end)
        );
        assert_eq!(read, squeeze(line));
        // The same bytes in answer to a request for a stream are a failure that says why.
        let (_, end) = decode(codec(Api::Chat).stream(), &[&body], true);
        assert!(end.unwrap_err().detail.starts_with("the server does not stream"));
    }
}

#[test]
fn every_refusal_says_what_the_server_said() {
    let mut refusals = Vec::new();
    for name in names(|name| !is_streamed(name)) {
        let (status, body) = http(&name);
        if status != 200 {
            let refusal = codec(Api::Chat).refusal(status, &body).to_string();
            refusals.push(format!("{name} {}", refusal.chars().take(110).collect::<String>()));
        }
    }
    insta::assert_snapshot!(refusals.join("\n"), @r"
    litellm/err_401_no_key.http http_5xx (500): Internal Server Error
    litellm/err_bad_json.http http_4xx (400): Invalid JSON payload: unexpected end of data: line 1 column 10 (char 9)
    litellm/err_dead_backend.http http_5xx (500): litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.  LiteLLM
    litellm/err_unknown_model.http http_4xx (400): /chat/completions: Invalid model name passed in model=nope. Call `/v1/models` to view availabl
    llama-cpp-python/err_bad_json.http http_5xx (500): Internal Server Error
    llama-cpp-python/err_bad_type.http http_5xx (500): 1 validation error:   {'type': 'list_type', 'loc': ('body', 'messages'), 'msg': 'Input should 
    llama-server/err_401_no_key.http http_4xx (401): Invalid API Key
    llama-server/err_404_path.http http_4xx (404): File Not Found
    llama-server/err_bad_json.http http_5xx (500): [json.exception.parse_error.101] parse error at line 1, column 17: syntax error while parsing 
    llama-server/err_bad_messages.http http_4xx (400): Expected 'messages' to be an array
    llama-server/err_context_exceeded.http http_4xx (400): request (6011 tokens) exceeds the available context size (2048 tokens), try increasing it
    sglang/err_404_path.http http_4xx (404): Not Found
    sglang/err_bad_json.http http_4xx (400): 1 validation error:   {'type': 'json_invalid', 'loc': ('body', 16), 'msg': 'JSON decode error'
    sglang/err_bad_type.http http_4xx (400): 1 validation error:   {'type': 'list_type', 'loc': ('body', 'messages'), 'msg': 'Input should 
    sglang/err_context_exceeded.http http_4xx (400): The input (6011 tokens) is longer than the model's context length (4096 tokens).
    sglang/err_context_length.http http_4xx (400): Requested token count exceeds the model's maximum context length of 4096 tokens. You requested
    transformers-serve/chat_stream_ignore_eos.http http_4xx (422): Unexpected fields in the request: {'ignore_eos', 'min_tokens'}
    transformers-serve/err_bad_json.http http_4xx (422): body.9: JSON decode error
    transformers-serve/err_model.http http_4xx (400): Server is pinned to '/opt/weights/model/tiny-llama'; requested 'nope'.
    transformers-serve/models.http http_5xx (500): Internal Server Error
    vllm/completions_max_tokens_0_400.http http_4xx (400): max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)
    vllm/err_400_bad_json.http http_4xx (400): 1 validation error:   {'type': 'json_invalid', 'loc': 'body.16', 'msg': 'JSON decode error', '
    vllm/err_400_bad_type.http http_4xx (400): 1 validation error:   {'type': 'list_type', 'loc': 'body.messages', 'msg': 'Input should be a 
    vllm/err_400_context_length.http http_4xx (400): max_tokens=4000 cannot be greater than max_model_len=2048. Please request fewer output tokens.
    vllm/err_400_max_tokens_0.http http_4xx (400): max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)
    vllm/err_400_stream_options_without_stream.http http_4xx (400): Stream options can only be defined when `stream=True`. (parameter=stream_options)
    vllm/err_401_no_key.http http_4xx (401): Unauthorized
    vllm/err_404_model.http http_4xx (404): The model `nope` does not exist. Valid aliases: tiny.
    vllm/err_404_path.http http_4xx (404): Not Found
    vllm/err_405_method.http http_4xx (405): Method Not Allowed
    vllm/err_503_queue_full.http http_5xx (503): The engine is currently busy and cannot accept new requests. Please try again later or on a di
    vllm/nostream_error_engine_killed.http http_5xx (500): EngineCore encountered an issue. See stack trace (above) for the root cause.
    ");
}

#[test]
fn every_list_of_models_is_read() {
    for (name, expected) in [
        ("litellm/models.http", &["tiny", "tiny-vllm", "dead", "limited"][..]),
        ("llama-cpp-python/models.http", &["tiny"]),
        ("llama-server/get_models.http", &["tiny"]),
        ("sglang/get_models.http", &["tiny"]),
        ("vllm/models.http", &["tiny"]),
    ] {
        assert_eq!(Listing::OpenAi.parse(&http(name).1).unwrap(), expected, "{name}");
    }
}
