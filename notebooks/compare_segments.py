# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Two clusterings of customers, side by side
#
# The champion beside another version, or any two runs of a sweep: sizes, centres, agreement, who moved, and how stable
# each is from month to month. `TELFLOW_SET` holds settings that differ from conf, as words of a shell; `TELFLOW_ENV`
# names the settings to use.

# %%
# %matplotlib inline
from telflow.cli import notebook_job
from telflow.segments.compare import compare_segments
from telflow.segments.plots import moves_heat_map, sizes_beside

job = notebook_job()

# %% [markdown]
# `left` and `right` are numbers of versions or identifiers of runs; None is the champion, and the newest other version.

# %%
found = compare_segments(job.lake, job.settings, left=None, right=None, months=2)
print(f"{found.left} beside {found.right} as of {found.as_of}: {found.customers:,} {found.kind}, ARI {found.ari}")

# %%
found.sizes

# %%
found.centres.set_index(["model", "segment"]).T

# %% [markdown]
# Who moved: segments of the first in rows, of the second in columns.

# %%
figures = [
    sizes_beside(found.sizes, f"{found.kind} by segment"),
    moves_heat_map(found.moves, f"{found.kind}: who moved"),
]
figures[0]

# %%
figures[1]

# %% [markdown]
# How far the answers of one model on two dates agree.

# %%
found.stability
