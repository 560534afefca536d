"""Metadata of the package: what it is made of and what it needs."""

from pathlib import Path

from setuptools import find_packages, setup

DASHBOARD: list[str] = []
DEVELOPMENT = [
    "chispa",
    "duckdb",
    "hypothesis",
    "mypy",
    "pandas-stubs",
    "pytest",
    "pytest-cov",
    "ruff",
    "types-PyYAML",
    "types-tqdm",
]

setup(
    name="telflow",
    version="0.1.0",
    description="Telecom flow analytics on Spark, Delta Lake and MLflow",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    package_dir={"": "lib", "telflow.conf": "conf"},
    packages=[*find_packages("lib"), "telflow.conf"],
    package_data={
        "telflow.conf": ["*/*.yaml", "*/*.csv"],
        "telflow.classify": ["resources/*"],
        "telflow.simulate": ["resources/*"],
    },
    install_requires=[
        "delta-spark==4.4.0",
        "matplotlib",
        "mlflow>=3.17,<3.18",
        "numpy",
        "pandas>=2.3,<3",
        "polars>=2.1,<3",
        "pyarrow",
        "pydantic>=2.14,<3",
        "pyspark==4.2.0",
        "PyYAML",
        "scikit-learn",
        "tqdm",
        "zstandard",
    ],
    # MLflow finds by it where the files of local runs are
    entry_points={"mlflow.artifact_repository": ["telflow = telflow.relative_artifacts:RelativeArtifactRepository"]},
    extras_require={"dashboard": DASHBOARD, "dev": DEVELOPMENT},
)
