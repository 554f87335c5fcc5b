/* The text of faults: refused with a sentence, or taken, and then what is printed reads back to the same. */
#include <outlet/ol_wire.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ol_faults f = { 0 }, again = { 0 }, was = { 0 };
	char why[200] = "", shown[OL_FAULTS_STRLEN], twice[OL_FAULTS_STRLEN];
	char *text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	if (ol_faults_parse(&f, text, why, sizeof why)) {
		if (!*why || memcmp(&f, &was, sizeof f) != 0)
			abort();
	} else if (ol_faults_parse(&again, ol_faults_str(&f, shown), why, sizeof why) ||
		   strcmp(shown, ol_faults_str(&again, twice)) != 0) {
		abort();
	}
	free(text);
	return 0;
}
