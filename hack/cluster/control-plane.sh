# shellcheck shell=bash
# The control plane of both rings. Sourced after lib.sh and pki.sh.

control_plane_ring() {
  local try
  address=127.0.0.1 node=none
  for try in 1 2 3; do
    # shellcheck disable=SC1091
    [ -e "$state/ports" ] || printf 'port=%s etcd=%s peer=%s\n' "$(free_port)" "$(free_port)" "$(free_port)" >"$state/ports"
    source "$state/ports"
    (control_plane --bind-address=127.0.0.1 --endpoint-reconciler-type=none) && return 0
    # Somebody took a port in the meantime.
    [ "$try" -lt 3 ] && grep -qs "address already in use" "$state/logs/"*.log || return 1
    "$here/down.sh" "$ring" --locked
    mkdir -p "$state/logs" "$state/pids" && echo "$kind" >"$state/kind"
  done
}

# control_plane FLAG…: starts it and waits for it. $address, $port, $etcd and $peer say where, the flags go to the API server.
control_plane() {
  make_pki
  # A crash of the machine may lose everything: it is a test's.
  start etcd "$tools/kubernetes" etcd --data-dir "$state/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer"
  start kube-apiserver "$tools/kubernetes" kube-apiserver --etcd-servers "http://127.0.0.1:$etcd" \
    --secure-port "$port" --advertise-address "$address" \
    --tls-cert-file "$pki/kube-apiserver.crt" --tls-private-key-file "$pki/kube-apiserver.key" --client-ca-file "$pki/ca.crt" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/service-accounts.pub" \
    --service-account-signing-key-file "$pki/service-accounts.key" --service-cluster-ip-range 10.96.0.0/16 \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged \
    --kubelet-preferred-address-types InternalIP --kubelet-certificate-authority "$pki/ca.crt" \
    --kubelet-client-certificate "$pki/admin.crt" --kubelet-client-key "$pki/admin.key" --profiling=false "$@"
  await 120 kube-apiserver "the API server is ready" kubectl get --raw /readyz
  # Its usual limit of 20 requests a second costs seconds at the start.
  start kube-controller-manager "$tools/kubernetes" kube-controller-manager --kube-api-qps 200 --kube-api-burst 400 --kubeconfig "$pki/kube-controller-manager.kubeconfig" \
    --secure-port 0 --leader-elect=false --use-service-account-credentials --root-ca-file "$pki/ca.crt" \
    --service-account-private-key-file "$pki/service-accounts.key" --node-monitor-period 2s --node-monitor-grace-period 24s \
    --profiling=false
  start kube-scheduler "$tools/kubernetes" kube-scheduler --kubeconfig "$pki/kube-scheduler.kubeconfig" \
    --secure-port 0 --leader-elect=false --profiling=false
  await 120 kube-controller-manager "the first service account exists" \
    kubectl wait --for=create --timeout=5s --namespace default serviceaccount/default
}
