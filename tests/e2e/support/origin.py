"""Backends: a real nginx for files both ways, and small TCP servers that do as they are told."""

import socket
import threading

from support import sandbox

_NGINX = """
user root;
# One process, so that none is left when the test dies.
master_process off;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{
    listen {port} backlog=4096;
    listen [::]:{port} backlog=4096;
    root {root};
    location /upload/ {{
      dav_methods PUT;
      create_full_put_path on;
      client_max_body_size 0;
    }}
  }}
}}
"""


class Nginx:
    """Serves the files of `root`, and stores what is PUT below /upload/ there."""

    def __init__(self, home, port=8080):
        self.root = home / "www"
        self.root.mkdir(parents=True)
        configuration = home / "nginx.conf"
        configuration.write_text(_NGINX.format(home=home, root=self.root, port=port))
        self.process = sandbox.Process(
            ["nginx", "-p", home, "-c", configuration, "-g", "daemon off;"], home / "log"
        )
        sandbox.eventually(lambda: _accepts(port), 10, lambda: self.process.output() or "nginx")

    def close(self):
        self.process.stop()


class TcpOrigin:
    """Calls serve(socket) in a thread of its own for every connection, which it then closes."""

    def __init__(self, port, serve):
        self._serve = serve
        self._listener = socket.create_server(("0.0.0.0", port), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with connection:
            connection.settimeout(60)
            try:
                self._serve(connection)
            except OSError:
                pass  # the other side went away: its test knows what it expects

    def close(self):
        # Closing alone would leave it open for as long as a thread waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
