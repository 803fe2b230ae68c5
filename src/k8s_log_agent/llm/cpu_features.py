"""Which of a processor's vector instructions a llama.cpp build makes use of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# The kernel's name of a feature in /proc/cpuinfo, and llama.cpp's name in its line `system_info`.
X86_FEATURES = {
    "ssse3": "SSSE3",
    "avx": "AVX",
    "avx2": "AVX2",
    "avx_vnni": "AVX_VNNI",
    "f16c": "F16C",
    "fma": "FMA",
    "bmi2": "BMI2",
    "avx512f": "AVX512",
    "avx512_vbmi": "AVX512_VBMI",
    "avx512vbmi": "AVX512_VBMI",
    "avx512_vnni": "AVX512_VNNI",
    "avx512_bf16": "AVX512_BF16",
    "amx_int8": "AMX_INT8",
}
ARM_FEATURES = {"asimd": "NEON", "fphp": "FP16_VA", "asimddp": "DOTPROD", "i8mm": "MATMUL_INT8", "sve": "SVE"}


@dataclass(frozen=True)
class CpuFeatures:
    """The names are llama.cpp's. `unused` is what the host offers and the build leaves aside."""

    host: tuple[str, ...]
    build: tuple[str, ...]

    @property
    def unused(self) -> tuple[str, ...]:
        """What a build for this processor could use besides."""
        return tuple(name for name in self.host if name not in self.build)


def host_features(cpuinfo: str) -> tuple[str, ...]:
    """The features that the text of /proc/cpuinfo lists for the first processor."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            names = X86_FEATURES | ARM_FEATURES
            return tuple(sorted({names[flag] for flag in value.split() if flag in names}))
    return ()


def build_features(system_info: str) -> tuple[str, ...]:
    """The features that llama.cpp's `system_info` line states as compiled in or found at run time (`NAME = 1`)."""
    known = set(X86_FEATURES.values()) | set(ARM_FEATURES.values())
    pairs = (part.rpartition(":")[2].partition("=") for part in system_info.split("|"))
    return tuple(sorted(name.strip() for name, _, value in pairs if value.strip() == "1" and name.strip() in known))
