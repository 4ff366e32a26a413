"""Runs requests on a SavedModel through TensorFlow's C API, whose loader is the one TensorFlow
Serving has.

    python c_api.py FOLDER_OF_LIBRARIES SAVED_MODEL REQUESTS ANSWERS

REQUESTS is a pickled list of ({name of a graph's tensor: array}, [names of tensors to get]);
ANSWERS becomes a pickled list of lists of arrays, or of the error's text where a request failed.
The process has no TensorFlow in Python.
"""

from __future__ import annotations

import ctypes
import pickle
import sys

import numpy as np

STRING = 7  # TF_STRING
TYPES = {np.dtype(np.uint8): 4, np.dtype(np.int64): 9}
STRING_BYTES = 24  # sizeof(TF_TString)


class Output(ctypes.Structure):
    """TF_Output."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Session:
    """A SavedModel's graph and session."""

    def __init__(self, libraries: str, saved_model: str):
        ctypes.CDLL(f"{libraries}/libtensorflow_framework.so.2", ctypes.RTLD_GLOBAL)
        self.tf = ctypes.CDLL(f"{libraries}/libtensorflow_cc.so.2")
        for name in (
            "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_LoadSessionFromSavedModel"
            " TF_GraphOperationByName TF_AllocateTensor TF_TensorData TF_StringGetDataPointer"
        ).split():
            getattr(self.tf, name).restype = ctypes.c_void_p
        self.tf.TF_Message.restype = ctypes.c_char_p
        for name in ("TF_Dim", "TF_StringGetSize"):
            getattr(self.tf, name).restype = ctypes.c_size_t
        self.status = ctypes.c_void_p(self.tf.TF_NewStatus())
        self.graph = ctypes.c_void_p(self.tf.TF_NewGraph())
        self.session = ctypes.c_void_p(self._load(saved_model))

    def run(self, inputs: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        """The values of `outputs`; strings are arrays of objects."""
        feeds = (Output * len(inputs))(*map(self._output, inputs))
        values = (ctypes.c_void_p * len(inputs))(*map(self._tensor, inputs.values()))
        fetches = (Output * len(outputs))(*map(self._output, outputs))
        results = (ctypes.c_void_p * len(outputs))()
        self.tf.TF_SessionRun(
            self.session,
            None,
            *(feeds, values, len(inputs)),
            *(fetches, results, len(outputs)),
            *(None, 0, None, self.status),
        )
        self._check()
        return [self._array(ctypes.c_void_p(result)) for result in results]

    def _load(self, saved_model: str):
        tags = (ctypes.c_char_p * 1)(b"serve")
        session = self.tf.TF_LoadSessionFromSavedModel(
            ctypes.c_void_p(self.tf.TF_NewSessionOptions()),
            *(None, saved_model.encode(), tags, 1, self.graph, None, self.status),
        )
        self._check()
        return session

    def _check(self) -> None:
        if self.tf.TF_GetCode(self.status):
            raise RuntimeError(self.tf.TF_Message(self.status).decode(errors="replace"))

    def _output(self, name: str) -> Output:
        operation, index = name.split(":")
        return Output(self.tf.TF_GraphOperationByName(self.graph, operation.encode()), int(index))

    def _tensor(self, array: np.ndarray):
        kind = STRING if array.dtype == object else TYPES[array.dtype]
        size = array.size * STRING_BYTES if kind == STRING else array.nbytes
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        tensor = self.tf.TF_AllocateTensor(kind, shape, array.ndim, ctypes.c_size_t(size))
        data = self.tf.TF_TensorData(ctypes.c_void_p(tensor))
        if kind != STRING:
            ctypes.memmove(data, np.ascontiguousarray(array).ctypes.data, size)
            return tensor
        for number, value in enumerate(array.flat):
            string = ctypes.c_void_p(data + number * STRING_BYTES)
            self.tf.TF_StringInit(string)
            self.tf.TF_StringCopy(string, value, ctypes.c_size_t(len(value)))
        return tensor

    def _array(self, tensor: ctypes.c_void_p) -> np.ndarray:
        shape = [self.tf.TF_Dim(tensor, axis) for axis in range(self.tf.TF_NumDims(tensor))]
        kind, data = self.tf.TF_TensorType(tensor), self.tf.TF_TensorData(tensor)
        if kind == STRING:
            strings = [
                self._string(data + number * STRING_BYTES) for number in range(int(np.prod(shape)))
            ]
            return np.array(strings, dtype=object).reshape(shape)
        dtype = {number: dtype for dtype, number in TYPES.items()}[kind]
        return np.frombuffer(
            ctypes.string_at(data, int(np.prod(shape)) * dtype.itemsize), dtype
        ).reshape(shape)

    def _string(self, address: int) -> bytes:
        string = ctypes.c_void_p(address)
        return ctypes.string_at(
            self.tf.TF_StringGetDataPointer(string), self.tf.TF_StringGetSize(string)
        )


def answer(session: Session, inputs: dict[str, np.ndarray], outputs: list[str]):
    """What the request gives, or the error's text."""
    try:
        return session.run(inputs, outputs)
    except RuntimeError as error:
        return str(error)


def main() -> None:
    """Answers the requests of the command line."""
    libraries, saved_model, requests, answers = sys.argv[1:]
    session = Session(libraries, saved_model)
    with open(requests, "rb") as file:
        results = [answer(session, *request) for request in pickle.load(file)]
    loaded = {name.split(".")[0] for name in sys.modules}
    assert not loaded & {"tensorflow", "tensorflow_addons", "sketch2img_tf", "datasets"}
    with open(answers, "wb") as file:
        pickle.dump(results, file)


if __name__ == "__main__":
    main()
