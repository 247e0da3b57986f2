"""`extrap serve`: a page in a browser, and the HTTP API behind it. The only user of FastAPI and uvicorn.

`api` has the routes and `guard` keeps strangers out; `jobs` keeps jobs and their files in a folder, `crew` lets
worker processes do them in turn, and `work` is what they do.
"""
