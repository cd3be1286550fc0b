"""Its output is its input."""

import triton_python_backend_utils as triton


class TritonPythonModel:
    def execute(self, requests):
        given = [triton.get_input_tensor_by_name(request, "text_input") for request in requests]
        return [triton.InferenceResponse([triton.Tensor("text_output", tensor.as_numpy())]) for tensor in given]
