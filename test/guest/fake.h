#ifndef TEST_GUEST_FAKE_H
#define TEST_GUEST_FAKE_H
/* A service for tests of the runner: sockets of one host, joined to each other by copying, without any TCP. */
enum {
	FAKE_PORT_SILENT = 7,		/* a connect to it is never answered */
	FAKE_LEVEL = 999,		/* of options that ask the fake about itself: */
	FAKE_CANCELS = 1,		/* calls taken back so far */
	FAKE_SOCKETS = 2,		/* that exist */
	FAKE_LASTING = 77,		/* protocol of a datagram socket whose pair is SOCK_DGRAM, as the service makes them */
};
/** Serves the runner at the other end of fd until it goes. */
_Noreturn void fake_service(int fd);
#endif
