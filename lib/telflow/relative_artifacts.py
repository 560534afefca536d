"""Files of local MLflow runs below the folder the process runs in: the scheme ``telflow:``.

MLflow writes a local place down as an absolute path, in its database and in every model's description. With this scheme
it stays relative, and the folder can be moved or copied with everything in it. MLflow loads this module by the entry
point in ``setup.py`` while it is itself being imported: nothing but the class it builds on may be imported here.
"""

from typing import Final

from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

SCHEME: Final = "telflow"


class RelativeArtifactRepository(LocalArtifactRepository):
    """Files below the current folder, at ``telflow:<path>``."""

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        relative = artifact_uri.removeprefix(f"{SCHEME}:").lstrip("/")
        super().__init__(relative, tracking_uri, registry_uri)
