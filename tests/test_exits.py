"""How a command ends where jax finds no memory."""

import jax
import pytest
import typer

from kadita_jax.exits import SYSTEM_FAILED, errors_as_exit_codes


def test_no_memory_is_one_line_and_a_failure_of_the_system(capsys):
    text = "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes."
    with pytest.raises(typer.Exit) as left, errors_as_exit_codes():
        raise jax.errors.JaxRuntimeError(f"{text}\nBufferAssignment:")
    assert left.value.exit_code == SYSTEM_FAILED
    assert capsys.readouterr().err == f"kadita: out of memory: {text}\n"


def test_another_fault_of_jax_stays_one():
    with pytest.raises(jax.errors.JaxRuntimeError), errors_as_exit_codes():
        raise jax.errors.JaxRuntimeError("INTERNAL: RESOURCE_EXHAUSTED")
