"""A KServe server as its documentation has it: one small Model subclass, the same ONNX. Run as a script: MODEL PORT."""

from __future__ import annotations

import sys
from typing import Any

import numpy
import onnxruntime
from kserve import Model, ModelServer


class Bare(Model):  # type: ignore[misc] # KServe is untyped
    def __init__(self, path: str) -> None:
        super().__init__("credit")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.types = {
            tensor.name: object if tensor.type == "tensor(string)" else numpy.float32 for tensor in self.session.get_inputs()
        }
        self.ready = True

    async def predict(self, payload: Any, headers: Any = None) -> Any:
        rows = payload["instances"]
        feed = {name: numpy.array([[row[name]] for row in rows], dtype=kind) for name, kind in self.types.items()}
        return {"predictions": self.session.run(["probability"], feed)[0].ravel().tolist()}


if __name__ == "__main__":
    ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, workers=1).start([Bare(sys.argv[1])])
