#!/usr/bin/env bash
# Makes the keys and certificates of the tests anew, with OpenSSL 3. They guard nothing: every one says TEST ONLY, and the
# keys of the authorities are thrown away. Valid from 2020 to 2120, for tests that move their clock.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -f ./*.pem

key() {
  case $1 in
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$2" 2>/dev/null ;;
    sm2) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out "$2" ;;
  esac
}
# certificate NAME SUBJECT SERIAL EXTENSIONS KEY HASH [CA]: signed by a CA of $work, or by its own key.
certificate() {
  local name=$1 subject=$2 serial=$3 extensions=$4 key=$5 hash=$6 ca=${7:-} id=() by
  case $hash in sm3) id=(-sigopt distid:1234567812345678) ;; esac
  : >"$work/index"
  echo "$serial" >"$work/serial"
  printf '[ca]\ndefault_ca=own\n[own]\ndatabase=%s/index\nserial=%s/serial\nnew_certs_dir=%s\npolicy=any\nunique_subject=no\n[any]\ncountryName=optional\norganizationName=optional\ncommonName=optional\n[ext]\n%b\n' \
    "$work" "$work" "$work" "$extensions" >"$work/ca.cnf"
  openssl req -new -key "$key" -"$hash" "${id[@]}" -subj "$subject" -out "$work/request.pem"
  if [ -n "$ca" ]; then by=(-cert "$ca-ca-cert.pem" -keyfile "$work/$ca-ca-key.pem"); else by=(-selfsign -keyfile "$key"); fi
  case $hash in sm3) id+=(-vfyopt distid:1234567812345678) ;; esac
  openssl ca -batch -notext -config "$work/ca.cnf" -extensions ext -md "$hash" "${by[@]}" "${id[@]}" -in "$work/request.pem" \
    -startdate 20200101000000Z -enddate 21200101000000Z -out "$work/made.pem" 2>"$work/log" || { cat "$work/log"; exit 1; }
  { echo "TEST ONLY: $subject"; cat "$work/made.pem"; } >"$name"
}
marked() { { echo "TEST ONLY: a key of the tests that guards nothing."; cat "$1"; } >"$2"; }

leaf='basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation'
authority='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
for kind in rsa sm2; do
  hash=sha256
  [ $kind = rsa ] || hash=sm3
  key $kind "$work/$kind.pem"
  key $kind "$work/$kind-ca-key.pem"
  marked "$work/$kind.pem" $kind-key.pem
  certificate $kind-cert.pem "/C=CN/O=TEST ONLY/CN=Signer $kind" 030000000000ABCD "$leaf" "$work/$kind.pem" $hash
  certificate $kind-ca-cert.pem "/C=CN/O=TEST ONLY/CN=Authority $kind" 01 "$authority" "$work/$kind-ca-key.pem" $hash
  certificate $kind-issued-cert.pem "/C=CN/O=TEST ONLY/CN=Issued $kind" 030000000000ABCE "$leaf" "$work/$kind.pem" $hash $kind
done
certificate rsa-issued-sha1-cert.pem "/C=CN/O=TEST ONLY/CN=Issued rsa" D30000000000ABCF "$leaf" "$work/rsa.pem" sha1 rsa
certificate rsa-issued-sha512-cert.pem "/C=CN/O=TEST ONLY/CN=Issued rsa" 0300000000000001 "$leaf" "$work/rsa.pem" sha512 rsa
certificate sm2-encipher-cert.pem "/C=CN/O=TEST ONLY/CN=Encipher" 0300000000000002 \
  'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment' "$work/sm2.pem" sm3 sm2
certificate sm2-critical-cert.pem "/C=CN/O=TEST ONLY/CN=Critical" 0300000000000003 "$leaf\n1.2.3.4=critical,ASN1:NULL" \
  "$work/sm2.pem" sm3 sm2
openssl rsa -in rsa-key.pem -traditional 2>/dev/null >"$work/other.pem"
marked "$work/other.pem" rsa-key-pkcs1.pem
{ openssl ecparam -name SM2; openssl ec -in sm2-key.pem 2>/dev/null; } >"$work/other.pem"
marked "$work/other.pem" sm2-key-sec1.pem
# A name in UCS-2, as older certificates of the e-port have it.
printf '[req]\ndistinguished_name=name\nstring_mask=MASK:0x0800\nutf8=yes\nprompt=no\n[name]\nO=TEST ONLY\nCN=测试企业,1\n' >"$work/ucs2.cnf"
openssl req -new -x509 -config "$work/ucs2.cnf" -utf8 -key "$work/sm2.pem" -sm3 -sigopt distid:1234567812345678 -set_serial 4 \
  -days 36500 -out "$work/made.pem"
{ echo "TEST ONLY: a name in UCS-2"; cat "$work/made.pem"; } >sm2-ucs2-cert.pem
