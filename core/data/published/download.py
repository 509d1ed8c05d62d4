"""Files of a dataset from the network, kept in a cache of this machine.

pooch is imported on use, so that core imports where it is not installed.
"""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from core.data.dataset import RemoteFile, Source
from core.data.published.progress import shown
from core.errors import InputError

RETRIES = 3
CHUNK = 1 << 18  # bytes


def cache_folder(source: Source) -> Path:
    """Return where downloaded files of a source are kept; it need not exist."""
    import pooch

    return Path(pooch.os_cache("gating-studies")) / source.name


def cached(source: Source) -> Path | None:
    """Return the cache's folder if all files of a source are there, by name and size, and None otherwise."""
    folder = cache_folder(source)
    paths = [(folder / file.name, file.size) for file in source.files]
    return folder if all(path.is_file() and path.stat().st_size == size for path, size in paths) else None


def fetch(source: Source) -> dict[str, Path]:
    """Return the paths of a source's files by their names, after downloading those that are not in the cache.

    A file is kept under its name only when it is whole and its checksum is the published one.

    Raises:
        InputError: a file cannot be downloaded, is not the published one, or cannot be kept.
    """
    import pooch
    import requests

    # Its messages would go to standard error; what the user must know is in ours.
    pooch.get_logger().setLevel(logging.WARNING)
    folder = cache_folder(source)
    fetcher = pooch.create(
        path=folder,
        base_url="",
        registry={file.name: f"md5:{file.md5}" for file in source.files},
        urls={file.name: file.url for file in source.files},
        retry_if_failed=RETRIES,
    )
    paths = {}
    for file in source.files:
        try:
            with shown(file.name) as bar:
                hooks = {"response": partial(_watch, file.size)}
                options = {"progressbar": bar or False, "chunk_size": CHUNK, "hooks": hooks}
                downloader = pooch.HTTPDownloader(**options)
                paths[file.name] = Path(fetcher.fetch(file.name, downloader=downloader))
        except requests.RequestException as error:
            raise _not_fetched(source, file, _reason(error)) from None
        except ValueError:
            raise _not_fetched(source, file, "the file there has another md5 than the published one") from None
        except OSError as error:
            raise InputError(
                f"dataset {source.name!r}: cannot write to the cache {folder}: {error.strerror or error}; make room "
                "there, or fetch the files yourself and give their folder by --data DIR"
            ) from None
    return paths


def _watch(most: int, response: Any, **_: Any) -> None:
    """Close an answer that is no file, and end one that goes on beyond the size of the published file, in bytes."""
    if not response.ok:
        # pooch reads no further, and would leave the connection open.
        response.close()
        return
    import requests

    content = response.iter_content

    def limited(*arguments: Any, **options: Any) -> Iterator[bytes]:
        size = 0
        for chunk in content(*arguments, **options):
            size += len(chunk)
            if size > most:
                response.close()
                raise requests.RequestException(f"the file there is longer than the {most} bytes of the published one")
            yield chunk

    response.iter_content = limited


def _not_fetched(source: Source, file: RemoteFile, reason: str) -> InputError:
    files = ", ".join(f"{each.name} (md5 {each.md5}, from {each.url})" for each in source.files)
    return InputError(
        f"dataset {source.name!r}: cannot download {file.url}: {reason}; put {files} into DIR/{source.name} and add "
        "--data DIR, or run the same design on embedded data with --dataset mnist_5k"
    )


def _reason(error: BaseException) -> str:
    """What is at the bottom of an error of the network, in few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}".rstrip()
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
