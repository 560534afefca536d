# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # What did re-classification change?
#
# What the exporter called the traffic, what the IANA registry calls it, and what follows for the categories.
# `TELFLOW_SET` holds settings that differ from conf, as words of a shell, such as `lake.root=./lake`.

# %%
# %matplotlib inline
from telflow.analysts.answers import answer, title
from telflow.analysts.plots import bars
from telflow.cli import notebook_job

job = notebook_job()
figures = []

# %% [markdown]
# How far the two agree, by flows and by volume. `unobserved`: the exporter gave no label.

# %%
agreement = answer(job, "label_agreement")
agreement

# %%
figures.append(bars(agreement, "agreement", "gigabytes", unit="GB", title=title(job, "label_agreement")))
figures[-1]

# %% [markdown]
# The largest disagreements.

# %%
differing = answer(job, "label_disagreements")
differing

# %%
named = differing.assign(labels=differing["observed_application"] + " → " + differing["service"])
figures.append(bars(named, "labels", "gigabytes", unit="GB", title=title(job, "label_disagreements")))
figures[-1]

# %% [markdown]
# The categories that the registry's services make.

# %%
categories = answer(job, "traffic_by_category")
categories

# %%
figures.append(bars(categories, "category", "gigabytes", unit="GB", title=title(job, "traffic_by_category")))
figures[-1]
