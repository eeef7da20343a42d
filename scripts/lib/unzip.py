"""Unpacks some members of a zip file: unzip.py ARCHIVE FOLDER PREFIX..."""

import sys
import zipfile

archive, folder, *prefixes = sys.argv[1:]
with zipfile.ZipFile(archive) as opened:
    for name in opened.namelist():
        if name.startswith(tuple(prefixes)):
            opened.extract(name, folder)
