"""Calculates how long a step takes on several devices, which compute, then exchange by rings.

They do not compute while they exchange.
"""

from __future__ import annotations

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Machine:
    """Devices, and the slowest link of the ring that joins them.

    Attributes:
      devices: the number of devices.
      peak: multiply-adds per second of one device, in bfloat16.
      link: bytes per second that a device sends while it receives as many.
      latency: seconds for an exchange of almost no bytes; an assumption, not a vendor's figure.
    """

    devices: int
    peak: float
    link: float
    latency: float


MACHINES = {
    # A100: 312 TFLOP/s; NVLink 600 GB/s, the sum of both directions
    "8 GPUs": Machine(8, 156e12, 300e9, 30e-6),
    # Eight such computers with 200 Gbit/s of InfiniBand per GPU
    "64 GPUs": Machine(64, 156e12, 25e9, 100e-6),
    "v3-8": Machine(8, 30.75e12, 82e9, 10e-6),  # 123 TFLOP/s per chip of two cores, link 656 Gbit/s
}


@dataclasses.dataclass(frozen=True)
class Step:
    """The work of one step.

    Attributes:
      multiply_adds: multiply-adds for one picture.
      exchanged: bytes that every replica has, and whose sum or mean all replicas need.
      exchanges: the number of messages for these, one after the other.
    """

    multiply_adds: float
    exchanged: float
    exchanges: int

    def computing(self, machine: Machine, batch: float, utilization: float) -> float:
        """Seconds to compute a batch on each device."""
        return batch * self.multiply_adds / (utilization * machine.peak)

    def exchanging(self, machine: Machine) -> float:
        """Seconds to exchange by a ring of all n devices: (n - 1)/n of the bytes are sent twice."""
        sent = 2 * self.exchanged * (machine.devices - 1) / machine.devices
        return sent / machine.link + self.exchanges * machine.latency

    def efficiency(self, machine: Machine, batch: float, utilization: float) -> float:
        """The share of the time in which the devices compute."""
        computing = self.computing(machine, batch, utilization)
        return computing / (computing + self.exchanging(machine))

    def batch_for(self, goal: float, machine: Machine, utilization: float) -> int:
        """The smallest batch per device with this efficiency."""
        per_picture = self.computing(machine, 1, utilization)
        return math.ceil(goal / (1 - goal) * self.exchanging(machine) / per_picture)

    def link_for(self, goal: float, machine: Machine, batch: float, utilization: float) -> float:
        """Bytes per second of a link for this efficiency; inf if latencies alone take longer."""
        allowed = (1 - goal) / goal * self.computing(machine, batch, utilization)
        left = allowed - self.exchanges * machine.latency
        sent = 2 * self.exchanged * (machine.devices - 1) / machine.devices
        return sent / left if left > 0 else math.inf
