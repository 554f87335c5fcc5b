/*
 * Names: of a guest's descriptor in the abstract name space, of the directory where networks live, and of the files
 * there. The directory is made 0700 and believed only if it is a directory, ours, and closed to everybody else: /tmp
 * belongs to all, and whoever owns the directory owns the sockets in it.
 */
#include "ipc/ipc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char prefix[] = "outlet/";

socklen_t ipc_sock_name_put(struct sockaddr_un *un, const struct ipc_sock_name *n)
{
	memset(un, 0, sizeof *un);
	un->sun_family = AF_UNIX;
	int len = snprintf(un->sun_path + 1, sizeof un->sun_path - 1, "%s%d/%c/%u", prefix, n->service, n->kind,
			   n->sock);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

/* A decimal number without sign, up to max; *p moves behind it. */
static bool number(const char **p, const char *end, uint64_t max, uint64_t *out)
{
	const char *start = *p;
	uint64_t v = 0;
	while (*p < end && **p >= '0' && **p <= '9') {
		v = v * 10 + (uint64_t)(**p - '0');
		if (v > max)
			return false;
		++*p;
	}
	*out = v;
	return *p > start;
}

bool ipc_sock_name_get(const struct sockaddr_un *un, socklen_t len, struct ipc_sock_name *n)
{
	if (len <= offsetof(struct sockaddr_un, sun_path) + 1 || len > sizeof *un || un->sun_family != AF_UNIX)
		return false;
	const char *p = un->sun_path, *end = (const char *)un + len;
	size_t plen = sizeof prefix - 1;
	if (*p++ || (size_t)(end - p) < plen || memcmp(p, prefix, plen))
		return false;
	p += plen;
	uint64_t pid, sock;
	if (!number(&p, end, INT32_MAX, &pid) || end - p < 3 || p[0] != '/' || p[2] != '/' || !strchr("sdrn", p[1]) ||
	    !p[1])
		return false;
	char kind = p[1];
	p += 3;
	if (!number(&p, end, UINT32_MAX, &sock) || p != end)
		return false;
	*n = (struct ipc_sock_name){ .service = (int32_t)pid, .kind = kind, .sock = (uint32_t)sock };
	return true;
}

int ipc_dir(char *buf, size_t len)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	int n = run && run[0] == '/' ? snprintf(buf, len, "%s/outlet", run)
				     : snprintf(buf, len, "/tmp/outlet-%u", (unsigned)geteuid());
	if (n < 0 || (size_t)n >= len)
		return -ENAMETOOLONG;
	if (mkdir(buf, 0700) < 0 && errno != EEXIST) {
		if (!run)
			return -errno;
		/* A runtime directory that is named but gone (su, cron) is not worth failing for. */
		n = snprintf(buf, len, "/tmp/outlet-%u", (unsigned)geteuid());
		if (n < 0 || (size_t)n >= len)
			return -ENAMETOOLONG;
		if (mkdir(buf, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	struct stat st;
	if (lstat(buf, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

bool ipc_net_name_ok(const char *net)
{
	size_t n = strlen(net);
	return n >= 1 && n <= IPC_NET_NAME_MAX && net[0] != '.' &&
	       strspn(net, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

int ipc_path(char *buf, size_t len, const char *net, const char *suffix)
{
	if (!ipc_net_name_ok(net))
		return -EINVAL;
	int err = ipc_dir(buf, len);
	if (err)
		return err;
	size_t at = strlen(buf);
	int n = snprintf(buf + at, len - at, "/%s%s", net, suffix);
	return n < 0 || (size_t)n >= len - at ? -ENAMETOOLONG : 0;
}
