/* A capture into a file, through a buffer, so that a busy wire does not mean a system call per frame. */
#include <outlet/ol_capture.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024 };

struct ol_capture_file {
	int fd, err;
	struct ol_capture *writer;
	size_t len;
	uint8_t buf[BUFFER];
};

static int write_all(struct ol_capture_file *f, const uint8_t *p, size_t len)
{
	while (len && !f->err) {
		ssize_t n = write(f->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			f->err = -errno;
		else
			p += n, len -= (size_t)n;
	}
	return f->err;
}

int ol_capture_file_flush(struct ol_capture_file *f)
{
	size_t len = f->len;
	f->len = 0;
	return write_all(f, f->buf, len);
}

static int sink(void *ctx, const void *bytes, size_t len)
{
	struct ol_capture_file *f = ctx;
	if (f->len + len > BUFFER && ol_capture_file_flush(f))
		return f->err;
	if (len > BUFFER)
		return write_all(f, bytes, len);
	memcpy(f->buf + f->len, bytes, len);
	f->len += len;
	return f->err;
}

int ol_capture_file_open(struct ol_capture_file **out, const char *path, ol_time epoch_ns, char *why, size_t why_len)
{
	int err = ENOMEM;
	struct ol_capture_file *f = calloc(1, sizeof *f);
	if (f) {
		f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		err = f->fd < 0 ? errno : 0;
	}
	if (!err) {
		f->writer = ol_capture_new(&(struct ol_capture_config){ .sink = sink, .ctx = f, .epoch_ns = epoch_ns });
		err = f->writer ? 0 : ENOMEM;
	}
	if (!err) {
		*out = f;
		return 0;
	}
	if (f && f->fd >= 0)
		close(f->fd);
	free(f);
	if (why && why_len)
		snprintf(why, why_len, "cannot write the capture file %s: %s", path, strerror(err));
	return -err;
}

struct ol_capture *ol_capture_file_writer(struct ol_capture_file *f) { return f->writer; }

int ol_capture_file_close(struct ol_capture_file *f)
{
	if (!f)
		return 0;
	int err = ol_capture_file_flush(f);
	if (close(f->fd) < 0 && !err)
		err = -errno;
	ol_capture_free(f->writer);
	free(f);
	return err;
}
