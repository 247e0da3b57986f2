# extrap in a container:
#
#   docker build -t extrap .
#   docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD:/music" extrap continue song.mp3 --minutes 3

FROM python:3.13-slim AS build
COPY . /src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist /src

FROM python:3.13-slim
RUN --mount=type=bind,from=build,source=/dist,target=/dist pip install --no-cache-dir /dist/*.whl
USER 65534:65534
WORKDIR /music
ENTRYPOINT ["extrap"]
