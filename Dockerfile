# The project's images, one version for both:
#
#   docker build --target ambient --build-arg VERSION=… -t ambient .        the roles that hold keys: runner, hydrate, operator
#   docker build --target agent   --build-arg VERSION=… -t ambient-agent .  the agent's container: that and the agent CLI
#
# `make image` builds this file where no registry can be reached: it hands the stages `binary`, `cli` and `mcp` over as named
# build contexts, so that nothing of them is pulled or run. docs/image.md has the details.

FROM docker.io/library/rust:1.95.0-bookworm AS binary
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY src src
RUN cargo build --locked --release --bin ambient && cp target/release/ambient /ambient

FROM docker.io/library/node:22-bookworm-slim AS cli
WORKDIR /tools
COPY hack/tools/claude/package.json hack/tools/claude/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && cp "$(find node_modules/@anthropic-ai -path '*claude-code-linux-*/claude' ! -path '*-musl/*' | head -n 1)" /claude

# The MCP servers, pinned, wheels only, for Debian's Python. Nothing is downloaded when one starts.
FROM docker.io/library/python:3.11-slim-bookworm AS mcp
WORKDIR /tools
COPY hack/mcp ./
RUN pip install -q --no-cache-dir --require-hashes --only-binary :all: -r uv.txt \
 && ./install.sh /opt/mcp "$(command -v uv)" /usr/bin/python3.11

# git is Debian's, without what only its Perl scripts (send-email, svn, instaweb) and its servers need. dpkg's list stays
# true, so scanners see what is there; apt is of no use in this image any more.
FROM docker.io/library/debian:bookworm-slim AS ambient
# The link: the platform's CronJobs call `./operator session-trigger` where the image begins.
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -q; \
    apt-get install -q -y --no-install-recommends ca-certificates git openssh-client; \
    dpkg --purge --force-depends \
      git-man liberror-perl perl perl-modules-5.36 libperl5.36 libgdbm-compat4 libgdbm6; \
    cd /usr/lib/git-core; \
    rm -f git-daemon git-http-backend git-http-push git-imap-send git-shell scalar /usr/bin/git-shell /usr/bin/scalar; \
    grep -lI '^#! */usr/bin/perl' ./* | xargs -r rm -f; \
    ln -sf ../../bin/git git; \
    rm -f /usr/lib/openssh/ssh-keysign /usr/lib/openssh/ssh-pkcs11-helper /usr/lib/openssh/ssh-sk-helper; \
    rm -rf /usr/share/perl5 /usr/share/gitweb /usr/share/git-core/contrib /usr/share/doc/git/contrib \
      /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* \
      /var/lib/dpkg/*-old /var/log/*; \
    useradd --uid 1001 --gid 0 --no-create-home --home-dir /home/ambient --shell /usr/sbin/nologin ambient; \
    rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow-; \
    install -d -o 1001 -g 0 -m 0770 /app /app/.claude /home/ambient /run/ambient /var/lib/ambient /workspace; \
    ln -s /usr/local/bin/ambient /workspace/operator
ENV HOME=/home/ambient LANG=C.UTF-8
COPY --from=binary --chmod=0755 /ambient /usr/local/bin/ambient
WORKDIR /workspace
USER 1001:0
ENTRYPOINT ["/usr/local/bin/ambient"]
CMD ["--help"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ambient" \
      org.opencontainers.image.description="Coding agents as Kubernetes objects: runner, hydrate and operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The agent works in a shell: it gets whole packages, git's Perl included, and may be replaced by any image that has them.
FROM docker.io/library/debian:bookworm-slim AS agent
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -q; \
    apt-get install -q -y --no-install-recommends \
      ca-certificates curl file git jq less make openssh-client patch procps python3 ripgrep unzip xz-utils zip; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* \
      /var/lib/dpkg/*-old /var/log/*; \
    useradd --uid 1001 --gid 0 --no-create-home --home-dir /home/ambient --shell /bin/bash ambient; \
    rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow-; \
    for server in mcp-server-fetch mcp-atlassian workspace-mcp; do ln -s "/opt/mcp/bin/$server" /usr/local/bin/; done; \
    install -d -o 1001 -g 0 -m 0770 /app /app/.claude /home/ambient /run/ambient /workspace
ENV HOME=/home/ambient LANG=C.UTF-8 SHELL=/bin/bash
COPY --from=mcp /opt/mcp /opt/mcp
COPY --from=cli --chmod=0755 /claude /usr/local/bin/claude
COPY --from=binary --chmod=0755 /ambient /usr/local/bin/ambient
WORKDIR /workspace
USER 1001:0
ENTRYPOINT ["/usr/local/bin/ambient"]
CMD ["agent"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ambient-agent" \
      org.opencontainers.image.description="Coding agents as Kubernetes objects: the agent's container, with the agent CLI" \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Anthropic-Claude-Code" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
