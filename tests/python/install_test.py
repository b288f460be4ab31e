#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The installed package works where Debian's Python would look for it, also after the tree was moved.

install_test.py CMAKE BUILD_DIRECTORY
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def main():
    cmake, build = sys.argv[1:]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sillage-install-"))
    try:
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        subprocess.run([cmake, "--install", build, "--component", "runtime", "--prefix", folder / "first"], env=environment,
                       check=True, stdout=subprocess.DEVNULL)
        (folder / "first").rename(folder / "moved")
        (package,) = (folder / "moved").glob("**/sillage/__init__.py")
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        expected = {f"lib/{version}/dist-packages", f"lib/{version}/site-packages", "lib/python3/dist-packages"}
        place = str(package.parent.parent.relative_to(folder / "moved"))
        if place not in expected:
            sys.exit(f"the package was installed in {place}")
        missing = {"__init__.pyi", "control.py", "control.pyi", "py.typed"} - {path.name for path in package.parent.iterdir()}
        if missing:
            sys.exit(f"not installed: {missing}")
        for module, name in (("sillage", "libsillage-trace"), ("sillage.control", "libsillage-control")):
            script = (f"import {module}; print(sillage.__file__); "
                      f"print(*{{line.split()[-1] for line in open('/proc/self/maps') if '{name}' in line}})")
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False,
                                  env=dict(os.environ, PYTHONPATH=str(package.parent.parent)))
            (library,) = (folder / "moved").glob(f"**/{name}.so.*.*")
            if done.stdout.split() != [str(package), str(library)]:
                sys.exit(f"importing {module}: {done.stdout}{done.stderr}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
