"""How long a step takes on several devices, on paper: it computes, then
exchanges by rings, never both at once.
"""

from __future__ import annotations

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Machine:
    """Devices, and the slowest link in the ring that joins them.

    Attributes:
      devices: how many.
      peak: multiply-adds a second of one, in bfloat16.
      link: bytes a second that a device sends while it receives as many.
      latency: seconds of an exchange of next to nothing; an assumption, no vendor's figure.
    """

    devices: int
    peak: float
    link: float
    latency: float


MACHINES = {
    # A100: 312 TFLOP/s, NVLink 600 GB/s both ways together
    "8 GPUs": Machine(8, 156e12, 300e9, 30e-6),
    # Eight such boxes, 200 Gbit/s of InfiniBand a GPU
    "64 GPUs": Machine(64, 156e12, 25e9, 100e-6),
    "v3-8": Machine(8, 30.75e12, 82e9, 10e-6),  # 123 TFLOP/s a chip of two cores, 656 Gbit/s a link
}


@dataclasses.dataclass(frozen=True)
class Step:
    """What one step costs.

    Attributes:
      multiply_adds: for one picture.
      exchanged: bytes that every replica has and all need the sum or the mean of.
      exchanges: in how many messages, one after the other.
    """

    multiply_adds: float
    exchanged: float
    exchanges: int

    def computing(self, machine: Machine, batch: float, utilization: float) -> float:
        """Seconds, of a batch on each device."""
        return batch * self.multiply_adds / (utilization * machine.peak)

    def exchanging(self, machine: Machine) -> float:
        """Seconds, by rings of all devices: all but one n-th of the bytes goes out twice."""
        sent = 2 * self.exchanged * (machine.devices - 1) / machine.devices
        return sent / machine.link + self.exchanges * machine.latency

    def efficiency(self, machine: Machine, batch: float, utilization: float) -> float:
        """The share of the time in which the devices compute."""
        computing = self.computing(machine, batch, utilization)
        return computing / (computing + self.exchanging(machine))

    def batch_for(self, goal: float, machine: Machine, utilization: float) -> int:
        """The smallest batch a device with this efficiency."""
        a_picture = self.computing(machine, 1, utilization)
        return math.ceil(goal / (1 - goal) * self.exchanging(machine) / a_picture)

    def link_for(self, goal: float, machine: Machine, batch: float, utilization: float) -> float:
        """Bytes a second of a link with this efficiency; infinite
        if the latencies alone take too long.
        """
        allowed = (1 - goal) / goal * self.computing(machine, batch, utilization)
        left = allowed - self.exchanges * machine.latency
        sent = 2 * self.exchanged * (machine.devices - 1) / machine.devices
        return sent / left if left > 0 else math.inf
