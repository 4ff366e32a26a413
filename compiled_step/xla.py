"""Runs HLO with JAX's XLA client.

It uses private names of JAX, which has no public way to run HLO that another program made; tried
with JAX 0.10.2 and 0.11.2.
"""

from __future__ import annotations

import hashlib
import os

import jax
import numpy as np
from jax._src.lib import xla_client

jax.config.update("jax_enable_x64", True)  # steps and labels are int64


class Executable:
    """A compiled program on one device.

    Attributes:
      device: the device that runs it.
      memory_mb: memory for its arguments, results and everything in between.
    """

    def __init__(self, hlo: bytes, device: jax.Device, kept_in: str = ""):
        """Compiles `hlo`, or reads what an earlier call compiled of it and kept in `kept_in`."""
        self.device = device
        client, devices = device.client, xla_client.DeviceList((device,))
        options = xla_client.CompileOptions()
        named = hashlib.sha256(
            hlo + client.platform_version.encode() + device.device_kind.encode()
        ).hexdigest()
        path = os.path.join(kept_in, f"{named[:16]}.executable")
        if kept_in and os.path.exists(path):
            with open(path, "rb") as file:
                self._executable = client.deserialize_executable(file.read(), devices, options)
        else:
            module = xla_client._xla.mlir.xla_computation_to_mlir_module(
                xla_client.XlaComputation(hlo)
            )
            self._executable = client.compile_and_load(module, devices, options)
            if kept_in:
                _write(path, self._executable.serialize())
        used = self._executable.get_compiled_memory_stats()
        sizes = used.argument_size_in_bytes + used.output_size_in_bytes + used.temp_size_in_bytes
        self.memory_mb = round(sizes / 1e6)

    def put(self, array: np.ndarray) -> jax.Array:
        """The array on the device."""
        return jax.device_put(array, self.device)

    def __call__(self, *arguments: jax.Array) -> list[jax.Array]:
        """Starts the program; reading a result waits for it. Arguments it changes are used up."""
        return self._executable.execute(list(arguments))


def _write(path: str, content: bytes) -> None:
    with open(f"{path}.tmp", "wb") as file:
        file.write(content)
    os.replace(f"{path}.tmp", path)
