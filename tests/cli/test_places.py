"""Every command takes the folder of data and the county's folder, so that a script gives both to each."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from hub.cli import COMMANDS, cli


def _leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield path, command


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_takes_data_and_deployment(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for path, leaf in _leaves(command, (name,)):
        taken = [option for parameter in leaf.params for option in parameter.opts]
        assert taken.count("--data") == 1, path
        assert taken.count("--deployment") == 1, path
