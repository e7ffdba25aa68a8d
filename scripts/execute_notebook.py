"""Runs a notebook on the kernel that it names, and writes it with its outputs: execute_notebook.py IN OUT FOLDER."""
import sys
from queue import Empty

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbclient.util import ensure_async

SILENCE = 0.3  # seconds without a message after which a cell has said everything


class PatientClient(NotebookClient):
    """Deno's kernel may report that a cell is done before its last outputs: this client waits for them."""

    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index):
        done = False
        while True:
            try:
                message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=SILENCE if done else None))
            except Empty:
                return
            if message["parent_header"].get("msg_id") == parent_msg_id:
                try:
                    self.process_message(message, cell, cell_index)
                except CellExecutionComplete:
                    done = True


source, target, folder = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
PatientClient(
    notebook,
    timeout=120,
    record_timing=False,
    coalesce_streams=True,
    resources={"metadata": {"path": folder}},
).execute()
with open(target, "w", encoding="utf-8", newline="\n") as out:
    nbformat.write(notebook, out)
