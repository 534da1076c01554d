"""What the system tells of the computer."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

import kadita_jax as kj
from kadita_jax import host, machine
from kadita_jax.journal import journal_path

CPU = platform.machine()
X86 = "processor\t: 0\nflags\t\t: fpu sse4_2 {}\nbugs\t\t: none\n\nflags\t\t: avx512f\n"
ARM = "processor\t: 0\nBogoMIPS\t: 2100.00\nFeatures\t: {}\nCPU part\t: 0xd40\n"


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the system tells of its cores, asked anew before and after."""
    host._flags.cache_clear()
    monkeypatch.setattr(host, "CPUINFO", tmp_path / "cpuinfo")
    yield tmp_path / "cpuinfo"
    host._flags.cache_clear()


@pytest.mark.parametrize(
    ("can", "flags", "kind"),
    [
        ("avx", "", "AVX"),
        ("avx avx2 fma", "", "AVX2"),
        ("avx avx2 avx512f avx512_bf16 amx_tile", "", "AVX512"),
        ("avx avx2 avx512f", "--a=b --xla_cpu_max_isa=avx2", "AVX2"),
        ("avx avx2 avx512f", "--xla_cpu_max_isa=AVX2 --xla_cpu_max_isa=AVX", "AVX"),
        ("avx avx2 avx512f", "--xla_cpu_max_isa=SSE4_2", ""),
        ("avx avx2", "--xla_cpu_max_isa=AMX", "AVX2"),
        ("", "", ""),
    ],
)
def test_the_widest_vectors_that_there_are_and_that_are_allowed(
    can, flags, kind, cpuinfo, monkeypatch
):
    monkeypatch.setenv("XLA_FLAGS", flags)
    cpuinfo.write_text(X86.format(can))
    assert host.cpu_kind() == f"{CPU} {kind}".strip()


@pytest.mark.parametrize(
    ("can", "kind"),
    [
        ("fp asimd evtstrm aes asimdhp", "ASIMD"),
        ("fp asimd sve asimdfhm", "SVE"),
        ("fp asimd sve dcpodp sve2 sveaes", "SVE2"),
        ("half thumb neon", ""),
    ],
)
def test_the_widest_vectors_of_arm(can, kind, cpuinfo):
    cpuinfo.write_text(ARM.format(can))
    assert host.cpu_kind() == f"{CPU} {kind}".strip()


@pytest.mark.usefixtures("cpuinfo")
def test_where_the_system_does_not_say_the_architecture_is_told():
    assert host.cpu_kind() == CPU


V1, V2 = "memory.limit_in_bytes", "memory.max"


@pytest.mark.parametrize(
    ("ours", "limits", "granted"),
    [
        ("0::/job/step", {f"job/step/{V2}": "max", f"job/{V2}": "5000", V2: "9000"}, 5000),
        ("0::/", {V2: "7000"}, 7000),
        # Of a container that sees its own group alone.
        ("4:cpu,memory:/docker/ab\n0::/", {f"memory/{V1}": "6000"}, 6000),
        ("4:memory:/slurm/job", {f"memory/slurm/job/{V1}": "4000", f"memory/{V1}": "8000"}, 4000),
        ("4:memory:/", {f"memory/{V1}": str(2**63 - 4096)}, None),
        ("3:cpu:/job", {f"memory/job/{V1}": "4000", f"job/{V2}": "4000"}, None),
        ("0::/../other", {V2: "max"}, None),
        ("nothing of ours", {}, None),
    ],
)
def test_no_more_memory_than_the_control_groups_grant(ours, limits, granted, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(host, "GROUPS_OF_OURS", tmp_path / "ours")
    own = host.machine_memory()
    (tmp_path / "ours").write_text(ours)
    for name, limit in limits.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{limit}\n")
    assert host.machine_memory() == (granted or own)


def test_a_sweep_does_not_go_on_with_another_kind_of_processor(tmp_path, monkeypatch):
    axes, path = {"noise": [0.1, 0.2]}, tmp_path / "phase.nc"
    school = kj.Scenario(name="few", n_fish=7, n_steps=20, box_size=9.0)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kj.sweep(school, axes, part_size=1, out=path, progress=stop)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(machine, "cpu_kind", lambda: "x86_64 AVX9")
        with pytest.raises(kj.InvalidInputError, match="x86_64 AVX9") as caught:
            kj.sweep(school, axes, part_size=1, out=path)
        assert [fault.field for fault in caught.value.faults] == ["processor"]
    with kj.sweep(school, axes, part_size=1, out=path) as found:
        assert found.attrs["processor"] == host.cpu_kind()
        assert f"on cpu ({host.cpu_kind()})" in found.attrs["history"]
    assert not journal_path(path).exists()
