"""Files of Debian packages, which need not be installed."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def unpacked(package: str, cache_folder: Path) -> Path:
    """Download and unpack a package below a folder, unless that was done before; return where its files are."""
    files = cache_folder / package
    if not files.exists():
        cache_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder) as folder:
            subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True, stderr=subprocess.DEVNULL)
            (archive,) = Path(folder).glob("*.deb")
            subprocess.run(["dpkg", "-x", archive, Path(folder, "files")], check=True)
            Path(folder, "files").rename(files)
    return files
