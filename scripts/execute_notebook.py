"""Runs a notebook on the kernel that it names, and writes it with its outputs: execute_notebook.py IN OUT FOLDER."""
import sys

import nbformat
from nbclient import NotebookClient

source, target, folder = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
client = NotebookClient(notebook, timeout=120, record_timing=False, resources={"metadata": {"path": folder}})
client.execute()
with open(target, "w", encoding="utf-8", newline="\n") as out:
    nbformat.write(notebook, out)
