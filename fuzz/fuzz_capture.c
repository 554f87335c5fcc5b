/* The capture reader: any file, in pieces of any size; what it hands out lies in memory, and its comments parse. */
#include <outlet/ol_capture.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ol_capture_reader *r = ol_capture_reader_new();
	struct ol_capture_frame f;
	struct ol_capture_note n;
	volatile uint8_t sum = 0;
	size_t piece = size ? 1 + data[size - 1] * 7u : 1;
	int rc = 0;
	for (size_t at = 0; at < size && rc >= 0; at += piece) {
		if (ol_capture_reader_feed(r, data + at, size - at < piece ? size - at : piece))
			abort();
		while ((rc = ol_capture_reader_next(r, &f)) == 1) {
			for (uint32_t i = 0; i < f.len; i++)
				sum = (uint8_t)(sum + f.data[i]);
			if (!ol_capture_reader_iface(r, f.iface))
				abort();
			ol_capture_note_parse(f.comment, strlen(f.comment), &n);
			char line[OL_CAPTURE_COMMENT_MAX];
			if (ol_capture_note_print(&n, line) >= sizeof line)
				abort();
		}
	}
	if (rc < 0 && !*ol_capture_reader_why(r))
		abort();
	ol_capture_reader_free(r);
	return 0;
}
