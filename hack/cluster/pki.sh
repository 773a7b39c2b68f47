# shellcheck shell=bash
# Keys, certificates and kubeconfigs of a ring. Sourced after lib.sh.

pki=$state/pki

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>>"$state/logs/openssl.log"; }

# certificate NAME SUBJECT [EXTENSION]
certificate() {
  key "$pki/$1.key"
  openssl req -new -key "$pki/$1.key" -subj "$2" 2>>"$state/logs/openssl.log" |
    openssl x509 -req -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" -days 365 \
      -extfile <(printf '%s\n' "${3:-extendedKeyUsage=clientAuth}") -out "$pki/$1.crt" 2>>"$state/logs/openssl.log"
}

# kubeconfig NAME FILE: the access of a certificate.
kubeconfig() {
  cat >"$2" <<END
apiVersion: v1
kind: Config
current-context: ring
contexts: [{name: ring, context: {cluster: ring, user: ring}}]
clusters: [{name: ring, cluster: {server: "https://$address:$port", certificate-authority: "$pki/ca.crt"}}]
users: [{name: ring, user: {client-certificate: "$pki/$1.crt", client-key: "$pki/$1.key"}}]
END
}

# make_pki: everything, unless it is there. $address and $port are the API server's.
# In a subshell, since what starts later wants the usual file modes.
make_pki() (
  [ ! -e "$state/kubeconfig" ] || return 0
  umask 077
  rm -rf "$pki" && mkdir -p "$pki"
  key "$pki/ca.key"
  openssl req -x509 -new -key "$pki/ca.key" -subj /CN=ambient-ring -days 365 -out "$pki/ca.crt" 2>>"$state/logs/openssl.log"
  key "$pki/service-accounts.key"
  openssl pkey -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub"
  certificate kube-apiserver /CN=kube-apiserver \
    "subjectAltName=IP:127.0.0.1,IP:$address,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
  certificate admin /O=system:masters/CN=admin
  for component in kube-controller-manager kube-scheduler kube-proxy; do
    certificate "$component" "/CN=system:$component"
    kubeconfig "$component" "$pki/$component.kubeconfig"
  done
  certificate kubelet "/O=system:nodes/CN=system:node:$node" "subjectAltName=IP:$address
extendedKeyUsage=clientAuth,serverAuth"
  kubeconfig kubelet "$pki/kubelet.kubeconfig"
  # Last, since it says that the rest is there.
  kubeconfig admin "$state/kubeconfig.new" && mv "$state/kubeconfig.new" "$state/kubeconfig"
)
