"""A supervisor over small stand-in children, as deploy/up is over the real ones: `python -m tests.house.standin JSON`.

JSON: {"data": folder, "children": {name: [stage, python code]}}. Each child has the data folder in its command line. A third
word behind the code says that it can be replaced at a rolling restart."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from deploy.embedded.lock import AlreadyRunning, take_lock
from deploy.embedded.supervising.children import Service
from deploy.embedded.supervising.masking import Masker
from deploy.embedded.supervising.output import Output
from deploy.embedded.supervising.supervisor import Hopeless, Supervisor

MORE = {"stop_signal": signal.SIGINT}


async def supervise(data: Path, children: dict[str, list], *, output: Output, lock: int) -> None:
    import os

    supervisor = Supervisor(
        output=output, pids_file=data / "pids.json", env=os.environ, cwd=Path.cwd(), kept_open=[lock]
    )
    async with supervisor:
        for name, (stage, code, *rolls) in children.items():
            argv = (sys.executable, "-uc", code, str(data), name)
            supervisor.start(Service(name=name, argv=argv, stage=stage, rolls=bool(rolls), **MORE if rolls else {}))
        if any(rolls for _, _, *rolls in children.values()):
            supervisor.now_serves()
        await supervisor.until_stop()


def main() -> int:
    told = json.loads(sys.argv[1])
    data = Path(told["data"])
    try:
        lock = take_lock(data / "run" / "up.lock")
    except AlreadyRunning as error:
        print(error)
        return 1
    output = Output(masker=Masker(["the-key-of-this-copy"]))
    try:
        asyncio.run(supervise(data, told["children"], output=output, lock=lock))
    except Hopeless as error:
        output.for_people(str(error))
        return 1
    finally:
        output.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
