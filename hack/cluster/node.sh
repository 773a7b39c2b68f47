# shellcheck shell=bash
# The node ring. Sourced after control-plane.sh. docs/cluster.md says why each part is as it is.

node=ring-node
image=localhost/ambient-ring/pod:1
cgroup=ambient-ring-$id

# whole: the ring has what its processes live in.
whole() { [ "$kind" != node ] || { [ -e "/run/netns/$netns" ] && [ -d "$run" ] && [ -d "$data" ]; }; }

node_ring() {
  # shellcheck disable=SC2034
  address=10.244.0.1 port=6443 etcd=2379 peer=2380
  make_network
  mkdir -p "$run" "$data/volumes" "$state/config/cni" "$state/logs/pods"
  enough_space "$data" 4000
  make_cgroups
  save_sysctls
  make_pki
  write_configuration
  start containerd containerd --config "$state/config/containerd.toml" --log-level warn
  control_plane --bind-address=0.0.0.0 --endpoint-reconciler-type=lease
  await 60 containerd "containerd answers" ctr -a "$run/containerd.sock" version
  import_images
  start_node
  kubectl apply --server-side --force-conflicts -f "$here/node/objects.yaml" >/dev/null
  await 120 kubelet "the node is ready" kubectl wait --for=condition=Ready --timeout=5s "node/$node"
  await 60 coredns "names resolve" ready_on 8181 /ready
  await 60 kube-proxy "Services are served" ready_on 10256 /healthz
  await 60 model "the model listens" "${inside[@]}" bash -c ': <>/dev/tcp/10.244.0.1/8080'
}

# ready_on PORT PATH: a server on the node's loopback answers with 200.
ready_on() {
  # shellcheck disable=SC2016
  "${inside[@]}" bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"; printf "GET %s HTTP/1.0\r\n\r\n" "$1" >&3; read -r -t 5 _ code _ <&3; [ "$code" = 200 ]' "$@"
}

make_network() {
  if [ ! -e "/run/netns/$netns" ]; then
    lacking "network namespaces (ip netns add)" ip netns add "$netns"
  fi
  inside=(nsenter "--net=/run/netns/$netns")
  # Where tests find it.
  echo "/run/netns/$netns" >"$state/network"
  "${inside[@]}" ip link set lo up
  "${inside[@]}" ip link show cni0 >/dev/null 2>&1 || lacking "bridges (module bridge)" "${inside[@]}" ip link add cni0 type bridge
  # Up even before the first pod, since the API server listens there.
  "${inside[@]}" ip address replace 10.244.0.1/24 dev cni0
  "${inside[@]}" ip link set cni0 up
  "${inside[@]}" ip route replace default dev cni0
  "${inside[@]}" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  lacking "nftables (module nf_tables)" "${inside[@]}" nft list ruleset
  grep -qw overlay /proc/filesystems || lacking "overlay file systems (module overlay)" modprobe overlay
}

# lacking FEATURE COMMAND…
lacking() {
  local feature=$1 said
  shift
  said=$("$@" 2>&1) || { echo "error: this kernel, or this container, has no $feature: $said" >&2; exit 3; }
}

# The kubelet wants its root to be there, in each hierarchy.
make_cgroups() {
  local controller
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    lacking "writable cgroups" mkdir -p "/sys/fs/cgroup/$cgroup"
    for controller in cpu cpuset memory pids io; do
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true
    done
    return
  fi
  for controller in cpu cpuacct cpuset memory pids; do
    [ -d "/sys/fs/cgroup/$controller" ] || { echo "error: the cgroup controller $controller is not mounted" >&2; exit 3; }
  done
  for controller in /sys/fs/cgroup/*/; do
    [ "$(stat -fc %T "$controller")" != cgroupfs ] || lacking "writable cgroups" mkdir -p "$controller$cgroup"
  done
}

# The kubelet sets these for the whole machine; `cluster-down` sets them back.
save_sysctls() {
  local name
  [ ! -e "$state/sysctls" ] || return 0
  for name in vm/overcommit_memory kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    [ ! -e "/proc/sys/$name" ] || echo "/proc/sys/$name $(cat "/proc/sys/$name")"
  done >"$state/sysctls.new"
  mv "$state/sysctls.new" "$state/sysctls"
}

write_configuration() {
  local file cni=/usr/lib/cni
  [ -x "$cni/bridge" ] || cni=/opt/cni/bin
  for file in containerd.toml kubelet.yaml kube-proxy.yaml Corefile ring.conflist; do
    sed "s|@data@|$data|; s|@run@|$run|; s|@state@|$state|; s|@image@|$image|; s|@cni@|$cni|; s|@netns@|$netns|; s|@cgroup@|$cgroup|; s|@node@|$node|" \
      "$here/node/$file" >"$state/config/$file"
  done
  mv "$state/config/ring.conflist" "$state/config/cni/10-ring.conflist"
}

import_images() {
  [ -e "$state/images" ] || make_pod_image "$state/pod.tar"
  "$here/load.sh" "$ring" "$state/pod.tar" "$root"/target/images/*.tar
}

# make_pod_image FILE: an image of one static program, as `docker save` writes it.
make_pod_image() {
  local work digest
  work=$(mktemp -d)
  tar -C "$tools" --owner=0 --group=0 --mtime=@0 -cf "$work/layer.tar" pod
  digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  cat >"$work/config.json" <<END
{"architecture":"$(go_architecture)","os":"linux","config":{"Entrypoint":["/pod"]},"rootfs":{"type":"layers","diff_ids":["sha256:$digest"]}}
END
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$image" >"$work/manifest.json"
  tar -C "$work" -cf "$1" manifest.json config.json layer.tar
  rm -rf "$work"
}

go_architecture() { case "$(uname -m)" in aarch64) echo arm64 ;; *) echo amd64 ;; esac; }

start_node() {
  start kubelet "$tools/kubernetes" kubelet --config "$state/config/kubelet.yaml" --kubeconfig "$pki/kubelet.kubeconfig" \
    --root-dir "$data/kubelet" --hostname-override "$node" --node-ip 10.244.0.1
  start kube-proxy "$tools/kubernetes" kube-proxy --config "$state/config/kube-proxy.yaml"
  start coredns "$tools/coredns" -conf "$state/config/Corefile"
  start volumes "$tools/volumes" -kubeconfig "$state/kubeconfig" -root "$data/volumes"
  [ -x "$root/target/debug/examples/scripted_model" ] ||
    (cd "$root" && cargo build --quiet --locked --example scripted_model 9>&-)
  start model "$root/target/debug/examples/scripted_model" --listen 10.244.0.1:8080 --script "$here/node/model.yaml"
}
