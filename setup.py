"""Metadata of the package: what it is made of and what it needs.

``TELFLOW_WHEEL=cluster python setup.py bdist_wheel`` makes the wheel for a cluster that has Spark and Delta already.
"""

import os
from pathlib import Path

from setuptools import find_packages, setup

SPARK = [] if os.environ.get("TELFLOW_WHEEL") == "cluster" else ["delta-spark==4.4.0", "pyspark==4.2.0"]
DASHBOARD = [
    "authlib>=1.6,<2",
    "dash>=4.4.1,<5",
    "dash-ag-grid",
    "dash-mantine-components>=2.8,<3",
    "deltalake>=1.6,<2",
    "duckdb",
    "gunicorn>=25.1",
    "plotly",
]
DOCS = ["mkdocs>=1.6,<2", "mkdocs-material>=9.7,<10"]
TABLEAU = ["pantab>=5.2,<6"]
WAREHOUSE = ["databricks-sdk", "databricks-sql-connector[pyarrow]>=4.9,<5"]
DEVELOPMENT = [
    "chispa",
    "databricks-bundles",
    "duckdb",
    "hypothesis",
    "mypy",
    "pandas-stubs",
    "playwright",
    "pytest",
    "pytest-cov",
    "pytest-xdist",
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
    package_dir={"": "lib", "telflow.conf": "conf", "telflow.jobs": "jobs"},
    packages=[*find_packages("lib"), "telflow.conf", "telflow.jobs"],
    package_data={
        "telflow.conf": ["*/*.yaml", "*/*.csv"],
        "telflow.analysts": ["sql/*/*.sql"],
        "telflow.classify": ["resources/*"],
        "telflow.dashboard": ["assets/*"],
        "telflow.simulate": ["resources/*"],
    },
    install_requires=[
        *SPARK,
        "matplotlib",
        "mlflow>=3.17,<3.18",
        "numpy",
        "pandas>=2.3,<3",
        "polars>=2.1,<3",
        "pyarrow",
        "pydantic>=2.14,<3",
        "PyYAML",
        "scikit-learn",
        "tqdm",
        "zstandard",
    ],
    entry_points={
        "console_scripts": ["telflow = telflow.console:main"],
        # MLflow finds by it where the files of local runs are
        "mlflow.artifact_repository": ["telflow = telflow.relative_artifacts:RelativeArtifactRepository"],
    },
    extras_require={
        "dashboard": DASHBOARD,
        "dev": DEVELOPMENT,
        "docs": DOCS,
        "tableau": TABLEAU,
        "warehouse": WAREHOUSE,
    },
)
