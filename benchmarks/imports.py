"""What `import coveo_enrich` costs, beside `import attrs, json`: target 1.5 times that plus 30 ms.

python benchmarks/imports.py
"""

import subprocess
import sys
import time

ROUNDS = 30
SCRIPTS = {
    "python itself": "pass",
    "import attrs, json": "import attrs, json",
    "import coveo_enrich": "import coveo_enrich",
    "from coveo_enrich import *": "from coveo_enrich import *",
}


def main() -> None:
    """Time each script in fresh processes, in turn, and print the best of all rounds."""
    best = dict.fromkeys(SCRIPTS, float("inf"))
    for _ in range(ROUNDS):
        for name, script in SCRIPTS.items():
            best[name] = min(best[name], _milliseconds(script))
    bare = best["python itself"]
    for name, milliseconds in best.items():
        print(f"{name:28} {milliseconds - bare:6.1f} ms beyond Python")
    limit = 1.5 * (best["import attrs, json"] - bare) + 30
    print(f"{'limit for coveo_enrich':28} {limit:6.1f} ms")


def _milliseconds(script: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - our own scripts
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
