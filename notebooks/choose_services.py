# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Which services for whom?
#
# What use changes, whose plan no longer fits, who may leave, and which offers follow.
# `TELFLOW_SET` holds settings that differ from conf, as words of a shell, such as `lake.root=./lake`.

# %%
# %matplotlib inline
from telflow.analysts.answers import answer, title
from telflow.analysts.plots import bars
from telflow.cli import notebook_job

job = notebook_job()
figures = []

# %% [markdown]
# Categories that rise or fall among customers.

# %%
trends = answer(job, "rising_categories")
trends

# %%
figures.append(
    bars(trends, "category", "rising", unit="customers whose use rises", title=title(job, "rising_categories"))
)
figures[-1]

# %% [markdown]
# Plans that are too small or too large.

# %%
outgrown = answer(job, "plans_outgrown")
outgrown

# %% [markdown]
# Who may leave: an offer of more is not what they need.

# %%
risk = answer(job, "churn_risk_by_plan")
risk

# %%
figures.append(bars(risk, "plan", "at_risk", unit="customers at risk", title=title(job, "churn_risk_by_plan")))
figures[-1]

# %% [markdown]
# Kinds of users.

# %%
segments = answer(job, "segment_sizes")
segments

# %%
figures.append(bars(segments, "segment", "customers", unit="customers", title=title(job, "segment_sizes")))
figures[-1]

# %% [markdown]
# The offers that follow, to customers who may be approached.

# %%
offers = answer(job, "offers_to_make")
offers
