"""Starts the MCP server that this file is called by, from the folder of that name beside bin/."""

import sys
from importlib.metadata import distribution
from pathlib import Path

name = Path(sys.argv[0]).name
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / name))
(entry,) = (e for e in distribution(name).entry_points if e.group == "console_scripts" and e.name == name)
sys.exit(entry.load()())
