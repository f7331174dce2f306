# SPDX-License-Identifier: MIT
# Two worker processes serve a file to curl and wrk; a reload and a graceful end by signal.
mkdir html temp
head -c 20000 /dev/zero | tr '\0' x >html/file
echo index >html/index.html
cat >nginx.conf <<EOF
worker_processes 2;
pid temp/pid;
error_log stderr;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path temp/body;
	proxy_temp_path temp/proxy;
	fastcgi_temp_path temp/fastcgi;
	uwsgi_temp_path temp/uwsgi;
	scgi_temp_path temp/scgi;
	sendfile on;
	server { listen 127.0.0.1:$PORT; root html; }
}
EOF
[ "$(id -u)" != 0 ] || echo 'user root;' >>nginx.conf

page() { curl -s -m 10 -o got -w '%{http_code} %{size_download}\n' "http://127.0.0.1:$PORT/$1"; }

$VM nginx -p "$PWD/" -c nginx.conf -g 'daemon off;' 2>log &
server=$!
for ((i = 0; i < 400 * ${TESTS_SLOWER:-1}; i++)); do
	[ "$(page)" = '200 6' ] && break
	sleep 0.1
done
page
page file
cmp got html/file && echo same
page none
wrk -t 1 -c 10 -d 2 "http://127.0.0.1:$PORT/file" >wrk
grep -E 'errors|Non-2xx' wrk
grep -q 'Requests/sec' wrk && echo served
kill -HUP $server
sleep "${TESTS_SLOWER:-1}"
page file
kill -QUIT $server
wait $server
echo "server ended with $?"
sed -E "s/^.*\[/[/; s/[0-9]+#[0-9]+: //; s/:$PORT/:PORT/" log
rm -rf html temp nginx.conf log wrk got
