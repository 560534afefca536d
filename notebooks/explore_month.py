# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # A month of traffic: what is in it?
#
# Which files came in, how much traffic there was, of which kinds, and how many used it.
# `TELFLOW_SET` holds settings that differ from conf, as words of a shell, such as `lake.root=./lake`.

# %%
# %matplotlib inline
from telflow.analysts.answers import answer, title
from telflow.analysts.plots import bars, lines
from telflow.cli import notebook_job

job = notebook_job()
figures = []

# %% [markdown]
# Files that need looking after: none is the best answer.

# %%
faults = answer(job, "files_with_faults")
faults

# %% [markdown]
# Kinds of traffic, over the last 28 days.

# %%
categories = answer(job, "traffic_by_category")
categories

# %%
figures.append(bars(categories, "category", "gigabytes", unit="GB", title=title(job, "traffic_by_category")))
figures[-1]

# %% [markdown]
# The services behind them.

# %%
services = answer(job, "top_services")
services

# %%
figures.append(bars(services, "service", "gigabytes", unit="GB", title=title(job, "top_services")))
figures[-1]

# %% [markdown]
# Customers with traffic, day by day.

# %%
active = answer(job, "active_customers")
active

# %%
figures.append(lines(active, "day", "customers", unit="customers", title=title(job, "active_customers")))
figures[-1]

# %% [markdown]
# Is it growing? The first month has nothing to be compared with, and the newest may not be over.

# %%
growth = answer(job, "growth_by_month")
growth

# %% [markdown]
# How much of it do the heaviest tenth of the customers make?

# %%
heavy = answer(job, "heaviest_customers")
heavy
