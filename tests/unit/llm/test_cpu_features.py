from __future__ import annotations

from k8s_log_agent.llm.cpu_features import CpuFeatures, build_features, host_features

CPUINFO = "processor\t: 0\nflags\t\t: fpu avx avx2 fma bmi2 avx512f avx_vnni\n\nprocessor\t: 1\nflags\t\t: fpu\n"
SYSTEM_INFO = "n_threads = 2 | CPU : AVX = 1 | AVX2 = 1 | FMA = 1 | BMI2 = 0 | OPENMP = 1 |"


def test_what_the_build_leaves_aside_is_named() -> None:
    features = CpuFeatures(host_features(CPUINFO), build_features(SYSTEM_INFO))

    assert features.build == ("AVX", "AVX2", "FMA")
    assert features.unused == ("AVX512", "AVX_VNNI", "BMI2")


def test_an_arm_processor_is_read_by_its_own_names() -> None:
    assert host_features("Features\t: fp asimd asimddp i8mm\n") == ("DOTPROD", "MATMUL_INT8", "NEON")
