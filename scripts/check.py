"""./check: builds with gcc and clang, without warnings; runs the unit tests plain and under sanitizers, the simulator, the
fuzzers on their kept corpora and a little beyond, and real programs on the service.  Each step says what it does and how
long it took; each skip says why; the last line counts."""
import argparse, json, os, re, shutil, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

top = Path(__file__).resolve().parent.parent
os.chdir(top)
results = []                    # (name, 'passed' | 'failed' | 'skipped', reason)
JOBS = str(os.cpu_count() or 2)


def say(text):
    print(text, flush=True)


def run(cmd, log, timeout, env=None):
    """Runs cmd with its output in the file log; returns its status (124 when the time was up) and the output."""
    start = time.monotonic()
    with open(log, 'w') as f:
        p = subprocess.Popen(cmd, stdout=f, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        word = start + 20
        while True:
            try:
                status = p.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                now = time.monotonic()
                if now - start > timeout:
                    p.kill()
                    p.wait()
                    status = 124
                    break
                if now > word:
                    say(f'    ... {int(now - start)} s')
                    word = now + 20
    return status, Path(log).read_text(errors='replace')


def note(name, outcome, reason=''):
    results.append((name, outcome, reason))
    if outcome != 'passed':
        say(f'  {outcome.upper()}: {name}' + (f': {reason}' if reason else ''))


def tail(text, n=25):
    return '\n'.join('    | ' + l for l in text.rstrip().split('\n')[-n:])


def step(title):
    def wrap(f):
        def go(*a):
            say(f'== {title}')
            start, before = time.monotonic(), len(results)
            got = f(*a)
            new = results[before:]
            say(f'   {sum(r[1] == "passed" for r in new)} passed in {time.monotonic() - start:.0f} s')
            return got
        return go
    return wrap


def setup(build, env, *options):
    if not (build / 'build.ninja').exists():
        shutil.rmtree(build, ignore_errors=True)
        status, out = run(['meson', 'setup', str(build), *options], logs / f'{build.name}-setup.log', 300, env)
        if status:
            say(tail(out))
            return False
    return True


@step('what includes what; documents and files')
def house():
    for name in ('floors', 'rfcs'):
        status, out = run([f'scripts/{name}'], logs / f'{name}.log', 60)
        note(name, 'failed' if status else 'passed', out.strip() if status else '')


def compile_all(name, env, *options):
    d = builds / name
    ok = setup(d, env, *options)
    status, out = run(['ninja', '-C', str(d), '-j', JOBS], logs / f'{name}-build.log', 900) if ok else (1, '')
    if status:
        say(tail(out))
    note(f'build with {name}', 'failed' if status else 'passed')
    return d if not status else None


def unit_tests(name, d):
    """Counts every claim that cmocka reports, and every other test program as one."""
    status, _ = run(['meson', 'test', '-C', str(d), '--no-rebuild', '--num-processes', JOBS, '--timeout-multiplier', '4'], logs / f'{name}-test.log', 1200)
    if status == 124:               # the log knows nothing of tests that did not come to run
        note(f'{name}: meson test', 'failed', 'it took more than 1200 s')
    log = d / 'meson-logs' / 'testlog.json'
    if not log.exists():
        note(f'{name}: meson test', 'failed', 'it wrote no log')
        return
    for line in log.read_text().split('\n'):
        if not line.strip():
            continue
        t = json.loads(line)
        out = t.get('stdout', '') + t.get('stderr', '')
        who = f'{name}: {t["name"]}'
        skip = re.search(r'^SKIP:? *(.*)$', out, re.M)
        claims = re.findall(r'^\[ *(OK|FAILED|SKIPPED) *\] (\w+)', out, re.M)
        seen = {}
        for what, claim in claims:
            if not claim.isdigit():
                seen[claim] = what
        for claim, what in seen.items():
            note(f'{who}: {claim}', {'OK': 'passed', 'FAILED': 'failed', 'SKIPPED': 'skipped'}[what],
                 (skip[1] if skip else 'no reason given') if what == 'SKIPPED' else '')
        if t['result'] == 'SKIP':
            note(who, 'skipped', skip[1] if skip else 'no reason given')
        elif t['result'] != 'OK' and 'FAILED' not in seen.values():
            note(who, 'failed', f'{t["result"]}, status {t.get("returncode")}')
        elif not seen and t['result'] == 'OK':
            note(who, 'passed')
        if t['result'] not in ('OK', 'SKIP'):
            say(tail(out))


@step('build with gcc; unit tests and simulations')
def plain():
    d = compile_all('gcc', {'CC': 'gcc'}, '-Dwerror=true')
    if d:
        unit_tests('gcc', d)
    return d


@step('build with clang, sanitizers on; the same tests under them')
def sanitized():
    if not shutil.which('clang'):
        note('clang', 'skipped', 'clang is not installed')
        return None
    d = compile_all('clang', {'CC': 'clang'}, '-Dwerror=true', '-Db_sanitize=address,undefined', '-Db_lundef=false', '-Dfuzz=true')
    if d:
        unit_tests('clang+sanitizers', d)
    return d


@step('ten thousand simulated networks with whatever chance deals them, from fresh seeds')
def simulate(d):
    seed = int.from_bytes(os.urandom(4), 'big')
    status, out = run([str(d / 'test/sim/sim'), 'tcp_random', '--seed', hex(seed), '--runs', '10000', '--jobs', JOBS], logs / 'simulate.log', 300)
    reruns = re.findall(r'^rerun: (.*)$', out, re.M)
    for line in reruns:
        note('simulated network', 'failed', f'once more: {line}')
    if status and not reruns:
        note('simulated networks', 'failed', f'status {status}')
        say(tail(out))
    if not status:
        note('simulated networks', 'passed')


@step('fuzzers, briefly')
def fuzz(d, seconds):
    targets = sorted(p for p in (d / 'fuzz').glob('fuzz_*') if p.is_file() and os.access(p, os.X_OK)) if d else []
    if not targets:
        note('fuzzers', 'skipped', 'no fuzzer was built (clang with libFuzzer is needed)')

    def one(t):
        corpus = top / 'fuzz' / 'corpus' / t.name
        work = builds / 'corpus' / t.name
        work.mkdir(parents=True, exist_ok=True)
        cmd = [str(t), f'-max_total_time={seconds}', '-timeout=10', '-rss_limit_mb=2048', f'-artifact_prefix={builds}/crash-{t.name}-',
               str(work)] + ([str(corpus)] if corpus.is_dir() else [])
        return run(cmd, logs / f'{t.name}.log', seconds + 60)
    with ThreadPoolExecutor(int(JOBS)) as pool:
        for t, (status, out) in zip(targets, pool.map(one, targets)):
            note(t.name, 'failed' if status else 'passed')
            if status:
                say(tail(out))


def counted(name, cmd, timeout, env=None):
    """A suite of its own that ends with 'N passed, N failed, N skipped' and lines 'SKIP name: reason', 'FAIL name: reason'."""
    status, out = run(cmd, logs / f'{name}.log', timeout, env)
    m = re.findall(r'^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?', out, re.M)
    if not m:
        note(name, 'failed', f'no closing count, status {status}')
        say(tail(out))
        return
    passed, failed, skipped = (int(x or 0) for x in m[-1])
    results.extend((f'{name}', 'passed', '') for _ in range(passed))
    skips, fails = (re.findall(rf'(?im)^{w}:? +(.*)$', out) for w in ('skip', 'fail'))
    for i in range(skipped):
        note(name, 'skipped', skips[i] if i < len(skips) else 'no reason given')
    for i in range(failed):
        note(name, 'failed', fails[i] if i < len(fails) else '')
    if status and not failed:
        note(name, 'failed', f'status {status}')
        say(tail(out))


@step('real programs, unmodified, as an ordinary user')
def programs(d):
    counted('kill9', ['test/programs/kill9', '--times', '200', '--outlet', str(d / 'src/tool/outlet')], 120)
    counted('programs', ['test/programs/run', '--outlet', str(d / 'src/tool/outlet'), '--report', str(builds / 'programs.md')], 600)


@step('the same answers as the kernel gives: one program on its sockets and as a guest, as an ordinary user')
def posix(d):
    counted('posix', ['test/posix/run', '--program', str(d / 'test/posix/posix'), '--outlet', str(d / 'src/tool/outlet'),
                      '--report', str(builds / 'posix.md')], 900)


@step('a big-endian machine, emulated: the engine, its unit tests, and the same bytes from the same seed')
def big_endian(native):
    d = builds / 's390x'
    status, out = run(['scripts/cross', 's390x', str(d), '--no-run'], logs / 's390x-build.log', 900)
    skip = re.search(r'^SKIP: *(.*)$', out, re.M)
    if status == 77:
        note('s390x', 'skipped', skip[1] if skip else 'no reason given')
        return
    note('build for s390x', 'failed' if status else 'passed')
    if status:
        say(tail(out))
        return
    unit_tests('s390x', d / 'b')
    emulated = re.search(r"exe_wrapper = \[(.*)\]", (d / 'cross.ini').read_text())[1]
    emulated = [w.strip().strip("'") for w in emulated.split(',')] + [str(d / 'b/test/sim/sim')]
    for scenario in ('tcp_storm', 'tcp_routers', 'udp'):
        frames = []
        for name, sim in (('native', [str(native / 'test/sim/sim')]), ('s390x', emulated)):
            f = builds / f'{scenario}-{name}.pcapng'
            f.unlink(missing_ok=True)
            run([*sim, scenario, '--seed', '1', '--capture', str(f), '--quiet'], logs / f'{scenario}-{name}.log', 120)
            frames.append(f.read_bytes() if f.exists() else b'')
        same = len(frames[0]) > 10000 and frames[0] == frames[1]
        note(f's390x: capture of {scenario} is the same', 'passed' if same else 'failed', '' if same else f'{len(frames[0])} and {len(frames[1])} bytes')


ap = argparse.ArgumentParser(prog='./check', description=__doc__)
ap.add_argument('--no-setup', action='store_true', help='install nothing')
ap.add_argument('--quick', action='store_true', help='gcc and the unit tests only')
ap.add_argument('--fuzz-seconds', type=int, default=5, help='time for each fuzzer (5)')
ap.add_argument('--build', default='build/check', help='where to build (build/check)')
args = ap.parse_args()
builds = (top / args.build).resolve()
logs = builds / 'logs'
logs.mkdir(parents=True, exist_ok=True)

start = time.monotonic()
house()
gcc = plain()
if gcc:
    simulate(gcc)
if not args.quick:
    fuzz(sanitized(), args.fuzz_seconds)
    if gcc:
        big_endian(gcc)
        posix(gcc)
        programs(gcc)
skipped = [r for r in results if r[1] == 'skipped']
failed = [r for r in results if r[1] == 'failed']
if skipped:
    say('\nSkipped:')
    for name, _, why in skipped:
        say(f'  {name}: {why}')
if failed:
    say(f'\nFailed (logs in {logs.relative_to(top) if logs.is_relative_to(top) else logs}):')
    for name, _, why in failed:
        say(f'  {name}' + (f': {why}' if why else ''))
say(f'\n{time.monotonic() - start:.0f} s')
say(f'{sum(r[1] == "passed" for r in results)} passed, {len(failed)} failed, {len(skipped)} skipped')
sys.exit(1 if failed else 0)
