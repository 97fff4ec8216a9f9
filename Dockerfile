# voxpeer in a container.
#
#   docker build -t voxpeer .
#   docker run --rm -v "$PWD:/work" voxpeer run program.imgql
#
# Peers must reach each other, by multicast DNS or by `--seed`: `docker compose up`
# tries it out on one machine, and `--network host` puts a peer on the lab's network.
#
# BASE_IMAGE   any Linux with Python >= 3.11, its venv and pip, and useradd
# PIP_OPTIONS  for pip; with wheels in the folder wheels/ of the build context
#              "--no-index --find-links /build/wheels" needs no network
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
ARG PIP_OPTIONS=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
# The libraries first: this layer stays while only voxpeer changes.  The pattern also
# takes the content of wheels/, if it is there.
COPY pyproject.toml wheel[s] wheels/
RUN python3 -m venv /opt/voxpeer \
 && python3 -c 'import tomllib; project = tomllib.load(open("wheels/pyproject.toml", "rb"))["project"]; print(*project["dependencies"], sep="\n")' > requirements.txt \
 && /opt/voxpeer/bin/pip install ${PIP_OPTIONS} --requirement requirements.txt
COPY . .
RUN /opt/voxpeer/bin/pip install ${PIP_OPTIONS} --no-deps .

FROM ${BASE_IMAGE}
COPY --from=build /opt/voxpeer /opt/voxpeer
ENV PATH=/opt/voxpeer/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VOXPEER_STORE=/store
# An empty volume takes over the owner of the folder that it is mounted on; compose.yaml
# passes on a token in /tokens.
RUN useradd --create-home --uid 1000 voxpeer \
 && install --directory --owner voxpeer --mode 0700 /store \
 && install --directory --owner voxpeer /work /tokens
USER voxpeer
WORKDIR /work
# Results, and the identity of this peer: keep it.
VOLUME /store
# Peers talk on 47800/tcp; newcomers are enrolled on 47801/tcp; multicast DNS is
# 5353/udp.
EXPOSE 47800/tcp 47801/tcp 5353/udp
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["voxpeer", "status", "--json"]
ENTRYPOINT ["voxpeer"]
CMD ["join"]
