"""Reads the sessions of one job of a target repository as docs/FORMAT.md describes them, sharing no code with Longhaul.

Usage: read_sessions.py <folder of the job>
Prints JSON: for each session, oldest first, its id, result, task counts, and all of its tasks by workload, each whole.
"""

import json
import os
import sys

MAX_RECORD_BYTES = 2 * 1024 * 1024


def main(job):
    sessions = []
    root = os.path.join(job, "sessions")
    for year in sorted(os.listdir(root)):
        for name in sorted(os.listdir(os.path.join(root, year))):
            if name.endswith(".json"):
                sessions.append(read_session(os.path.join(root, year, name), year))
    print(json.dumps(sessions))


def read_session(path, year):
    assert os.path.getsize(path) <= MAX_RECORD_BYTES
    session = read(path, "longhaulSession")["session"]
    name = os.path.basename(path)[: -len(".json")]
    assert session["id"] == name and year == name.rsplit("-", 1)[1][:4]
    folder = path[: -len(".json")]
    files = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    recorded = [read(os.path.join(folder, file), "longhaulTask")["task"] for file in files]
    assert all(task["recorded"] for task in recorded)
    listed = [task for task in session["tasks"] if not task["recorded"]]
    tasks = sorted(listed + recorded, key=lambda task: task["workload"])
    cut = {task["workload"]: task for task in session["tasks"] if task["recorded"]}
    for task in recorded:
        check_brief(task, cut.pop(task["workload"], None))
    assert not cut, "a task that is cut has a file"
    return {
        "id": session["id"],
        "result": session["result"],
        "taskCounts": session["taskCounts"],
        "omittedTasks": session["omittedTasks"],
        "files": files,
        "tasks": tasks,
    }


def check_brief(whole, brief):
    """The newest two entries of each list, and the number of the others."""
    if brief is None or "omitted" not in brief:
        return
    for field in ("committed", "notes"):
        left_out = brief["omitted"][field]
        assert left_out == max(0, len(whole[field]) - 2)
    assert brief["committed"] == whole["committed"][-2:]


def read(path, kind):
    with open(path, "rb") as file:
        document = json.load(file)
    assert document[kind] == 1
    return document


main(sys.argv[1])
