#!/usr/bin/env python3
"""Takes one safeguard at a time out of a copy of the sources, and expects a test to notice.

A test that passes without the safeguard that it is there for is a defect of the test. The safeguards that are
syncs have their controls in tests/crash/power_cut_test.cc.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS_MAX = 900


class Safeguard:
    """`old`, which stands once in `file`, becomes `new`; then one of `tests` (program, filter) must fail.

    `also`: what stands behind it, which goes with it: more of (file, old, new).
    """

    def __init__(self, name, file, old, new, *tests, also=()):
        self.name, self.tests = name, tests
        self.edits = [(file, old, new), *also]

    def check(self):
        for file, old, _ in self.edits:
            with open(os.path.join(ROOT, file), encoding="utf-8") as source:
                found = source.read().count(old)
            if found != 1:
                return f"{file}: `{old}` stands there {found} times, expected once; safeguard: {self.name}"
        return None


MODEL = ("store/model_test", "*EveryRestore*")
EVERY_BIT = ("tools/tools_test", "EveryBit*")

SAFEGUARDS = [
    # ---- Checksums and what goes with them ----
    Safeguard("checksum of a frame", "format/frame.cc",
              "if (header.checksum == checksum) return {};", "if (true || header.checksum == checksum) return {};",
              ("format/format_test", "*"), EVERY_BIT),
    Safeguard("checksum of a file header", "format/file_header.cc",
              "if (check != Check(file))", "if (false && check != Check(file))", ("format/format_test", "*"), EVERY_BIT),
    Safeguard("checksum of a file that is fetched", "storage/fetch.cc",
              "if (digest.size == file.size && digest.checksum == file.checksum) return {};",
              "if (true || digest.size == file.size) return {};",
              ("crash/damage_test", "*"), ("storage/repository_test", "*")),
    Safeguard("checksum of an inlined segment", "storage/manifest_chain.cc",
              "if (checksum != file.checksum)", "if (false && checksum != file.checksum)",
              ("storage/repository_test", "*"), ("crash/damage_test", "*")),
    Safeguard("checksum of a file whose late sync failed", "storage/file_set.cc",
              "if (checksum == entry.checksum) return {};", "if (true || checksum == entry.checksum) return {};",
              ("storage/live_database_test", "*")),
    Safeguard("checksum of a file that is verified", "storage/verify.cc",
              "if (digest.checksum == file.checksum && digest.size == file.size) return {};",
              "if (true || digest.size == file.size) return {};",
              ("storage/repository_test", "VerifyTest*"), ("crash/damage_test", "*")),
    Safeguard("checksum of a file that is exported", "storage/export.cc",
              "if (digest.size == file.size && digest.checksum == file.checksum) return {};",
              "if (true || digest.size == file.size) return {};", ("tools/ckpt_inspect_test", "ExportTest*")),
    Safeguard("an inlined segment is the one that its version names", "format/manifest_decode.cc",
              "return file.checksum == InlinedChecksum(version.inlined);",
              "return true || file.checksum == InlinedChecksum(version.inlined);", ("format/format_test", "Manifest*")),
    Safeguard("limit of what a frame may claim to hold", "format/frame.cc",
              "if (header.raw_bytes > kFrameRawBytesMax)", "if (false && header.raw_bytes > kFrameRawBytesMax)",
              ("format/format_test", "*")),
    Safeguard("names stay inside of the repository", "format/names.cc",
              'if (part.empty() || part == "." || part == ".." ||', 'if (part.empty() || part == "." ||',
              ("format/format_test", "*")),
    # ---- Publishing and deleting ----
    Safeguard("delete only after the commit", "storage/repository.cc",
              "Created created = Create(version, bytes);",
              """{
    std::vector<format::FileMeta> removed;
    format::Manifest list = manifest_;
    static_cast<void>(format::ApplyEdit(version, &list, &removed));
    for (const format::FileMeta& file : removed)
      static_cast<void>(storage_->Delete(std::vector<std::string>{ObjectName(file.name)}));
  }
  Created created = Create(version, bytes);""",
              ("crash/power_cut_test", "*Invariant*"), ("crash/fault_test", "*")),
    Safeguard("a writer that was replaced is fenced", "storage/repository.cc",
              "if (!IsOwn(other->writer)) return {Creation::kAnothers, BecomeFenced(*other)};", "",
              ("crash/zombie_test", "*")),
    Safeguard("a look at the fence before anything is deleted", "storage/repository_collect.cc",
              "if (version) return BecomeFenced(*version);",
              "if (version) return {};", ("storage/repository_test", "*")),
    Safeguard("a look past its own versions in doubt", "storage/repository_collect.cc",
              "while (version && IsOwn(version->writer)) version = chain_->ReadVersion(++next);",
              "if (version && IsOwn(version->writer)) return {};", ("storage/repository_test", "*")),
    Safeguard("a file whose edit is in doubt stays", "store/maintenance.cc",
              "if (manifest.version <= file.second) return false;", "static_cast<void>(0);",
              ("crash/fault_test", "*FailedCheckpoint*")),
    Safeguard("pins keep files", "storage/repository_pins.cc",
              "return IsPinned(name) || held_.contains(FileNameOf(name));", "return held_.contains(FileNameOf(name));",
              ("storage/repository_test", "*"), MODEL),
    Safeguard("holds keep files", "storage/repository_pins.cc",
              "return IsPinned(name) || held_.contains(FileNameOf(name));", "return IsPinned(name);",
              ("storage/repository_test", "*")),
    Safeguard("a failed checkpoint's changes are in the next", "store/commit_lane.cc",
              "if (ticket == nullptr) return {};", "if (ticket == nullptr) return {};\n  "
              "unpublished_.erase(unpublished_.begin(), unpublished_.end() - 1);",
              ("crash/fault_test", "*"), MODEL),
    # ---- Epochs between the log, the cache and RocksDB ----
    Safeguard("applied mark not before what it covers", "store/maintenance.cc",
              "const auto written = compaction::WriteBack(live_, std::move(changes), mark);",
              "static_cast<void>(compaction::WriteBack(live_, {}, mark));\n  "
              "const auto written = compaction::WriteBack(live_, std::move(changes), mark);", MODEL),
    Safeguard("versions stay until RocksDB has them", "store/store_core.h",
              "return version.epoch <= released_epoch_; }", "return version.epoch < epoch_; }", MODEL),
    Safeguard("merges skip what is applied", "compaction/write_back.cc",
              "const uint64_t after_epoch = live.mark().at.epoch;", "const uint64_t after_epoch = 0;",
              ("compaction/rebase_test", "*")),
    # One stands behind the other, and what merges skip behind both.
    Safeguard("replay skips what is applied", "store/restore.cc",
              "if (meta.last_epoch > mark_epoch) segments.push_back(meta);",
              "if (true || meta.last_epoch > mark_epoch) segments.push_back(meta);", MODEL,
              also=[("store/store_open.cc", "compaction::MergeNewest(std::move(records), mark_epoch);",
                     "compaction::MergeNewest(std::move(records), 0 * mark_epoch);")]),
    Safeguard("segments that do not belong leave the change log", "store/restore.cc",
              "TIDEMARK_RETURN_IF_ERROR(state_.live->DropSegments(header.last_epoch, header.last_epoch));",
              "static_cast<void>(header);", MODEL),
    Safeguard("cleared neighbours stay apart in the log", "store/range_deletes.cc",
              "if (next != current_->begin() && std::prev(next)->second > from) --next;",
              "if (next != current_->begin() && std::prev(next)->second >= from) --next;", MODEL,
              also=[("store/range_deletes.cc", "while (next != current_->end() && next->first < to) {",
                     "while (next != current_->end() && next->first <= to) {"),
                    ("store/table_range.cc", "if (meta_.kind == TableKind::kMap && !IsInOnePartition(record.key, record.value)) {",
                     "if (false && !IsInOnePartition(record.key, record.value)) {")]),
    Safeguard("what has not been hashed is not used again", "store/maintenance.cc",
              "if (IsVerified()) (void)live_.MarkReady();", "(void)live_.MarkReady();",
              ("crash/damage_test", "FastTest*")),
    Safeguard("an older checkpoint on a reused directory is hashed", "store/restore.cc",
              "if (CommitDropsNewer(target)) TIDEMARK_RETURN_IF_ERROR(VerifyInRepository(target));", "",
              ("crash/reopen_test", "*RestoreProof*")),
    Safeguard("a wrong copy is no damage of the checkpoint", "storage/fetch.cc",
              "if (copy.ok() || kind == TransferKind::kLinked) return copy;",
              "if (true || kind == TransferKind::kLinked) return copy;", ("crash/reopen_test", "*RestoreProof*")),
    Safeguard("a copy is hashed before it is READY", "storage/fetch.cc",
              "if (!object.ok() || file.copy.empty()) return object;",
              "if (true || file.copy.empty()) return object;", ("crash/reopen_test", "*RestoreProof*")),
    Safeguard("who is fenced while it restores finds no damage", "store/restore.cc",
              "TIDEMARK_RETURN_IF_ERROR(repository_.CheckNotFenced());", "", ("crash/reopen_test", "*RestoreProof*")),
    # ---- What the cache knows of what it has not ----
    Safeguard("a folded list is kept while room is made", "store/table_merge.cc",
              "std::string folded = std::move(folded_);", "", ("public/public_model_test", "ListMemory*"), MODEL,
              also=[("store/table_merge.cc", "folded_ = std::move(folded);", "")]),
    Safeguard("an eviction ends the completeness of a table", "store/table_core.cc",
              "if (version->present()) VoidMark(format::UserKey(version->key()));", "",
              ("store/store_invariants_test", "*"), MODEL),
    Safeguard("partitions that lack something are remembered", "store/table_partitions.cc",
              "return lacking_.contains(format::HashKey(format::PartitionOf(key)));", "static_cast<void>(key);\n  return false;",
              ("store/store_invariants_test", "*"), MODEL),
]


def documented():
    """The first cells of the table below `make controls`, without what is in parentheses."""
    with open(os.path.join(ROOT, "docs", "DURABILITY.md"), encoding="utf-8") as file:
        text = file.read()
    table = text.partition("`make controls`")[2].partition("| without | noticed by |\n")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[1:]]
    return [re.sub(r"\(.*\)", "", row).strip() for row in rows]


def check_document():
    """Every safeguard has its row in the table, and every row its safeguard."""
    rows, names = documented(), [safeguard.name for safeguard in SAFEGUARDS]
    wrong = [f"docs/DURABILITY.md: expected a row `{name}` in the table of safeguards, got none"
             for name in names if name not in rows]
    wrong += [f"docs/DURABILITY.md: there is a row `{row}` without a safeguard of that name in controls.py"
              for row in rows if row not in names]
    wrong += [f"there are two of `{name}`" for name in sorted(set(names)) if names.count(name) + rows.count(name) > 2]
    return wrong


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, **options)


class Tree:
    """A copy of the sources that is built."""

    def __init__(self, folder):
        self.source = os.path.join(os.path.abspath(folder), "source")
        files = run(["git", "-C", ROOT, "ls-files"]).stdout.split()
        for name in files:
            to = os.path.join(self.source, name)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            self.copy(os.path.join(ROOT, name), to)
        self.build = os.path.join(self.source, "build", "release")
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            self.demand(["cmake", "--preset", "release", "-DTIDEMARK_BUILD_BENCH=OFF"])

    @staticmethod
    def copy(name, to):
        """What is the same keeps its time, so that it is not built again."""
        with open(name, "rb") as file:
            content = file.read()
        if os.path.exists(to):
            with open(to, "rb") as file:
                if file.read() == content:
                    return
        shutil.copy(name, to)

    def demand(self, command):
        done = run(command, cwd=self.source)
        if done.returncode != 0:
            sys.exit(f"controls: {' '.join(command)} FAILED\n{done.stdout[-4000:]}")

    def make(self, programs):
        self.demand(["cmake", "--build", self.build, "--target", *sorted({os.path.basename(p) for p in programs})])

    def notices(self, test):
        """The name of what failed, or None."""
        program, chosen = test
        environment = dict(os.environ, TIDEMARK_SHRINK="0", TIDEMARK_SEQUENCES="1000")
        try:
            done = run([os.path.join(self.build, "tests", program), "--gtest_filter=" + chosen, "--gtest_fail_fast"],
                       env=environment, cwd="/tmp", timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return f"{program}: hangs"
        if done.returncode == 0:
            return None
        failed = [line for line in done.stdout.splitlines() if line.startswith("[  FAILED  ]") and "." in line]
        return failed[0].split()[3].rstrip(",") if failed else f"{program}: ends with {done.returncode}"

    def without(self, safeguard):
        paths = {name: os.path.join(self.source, name) for name, _, _ in safeguard.edits}
        whole = {}
        for name, path in paths.items():
            with open(path, encoding="utf-8") as file:
                whole[name] = file.read()
        programs = [program for program, _ in safeguard.tests]
        try:
            changed = dict(whole)
            for name, old, new in safeguard.edits:
                changed[name] = changed[name].replace(old, new)
            for name, path in paths.items():
                with open(path, "w", encoding="utf-8") as file:
                    file.write(changed[name])
            self.make(programs)
            for test in safeguard.tests:
                if (noticed := self.notices(test)) is not None:
                    return noticed
            return None
        finally:
            for name, path in paths.items():
                with open(path, "w", encoding="utf-8") as file:
                    file.write(whole[name])


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true",
                        help="only see that every safeguard stands where it is looked for, and in the table of "
                             "docs/DURABILITY.md")
    parser.add_argument("build_folder", nargs="?", help="where the copy is made and built")
    parser.add_argument("name", nargs="*", help="those safeguards whose names have one of these in it; otherwise all")
    options = parser.parse_args(arguments)
    if options.check == (options.build_folder is not None):
        parser.error("expected either --check or a build folder")
    return options


def main(arguments):
    options = parse(arguments)
    wrong = [message for message in (safeguard.check() for safeguard in SAFEGUARDS) if message]
    if options.check:
        wrong += check_document()
    for message in wrong:
        print(message)
    if wrong or options.check:
        print(f"controls: {len(SAFEGUARDS)} safeguards looked for, {len(wrong)} errors")
        return 1 if wrong else 0
    chosen = [s for s in SAFEGUARDS if not options.name or any(part in s.name for part in options.name)]
    if not chosen:
        print("controls: no safeguard has such a name")
        return 2
    tree = Tree(options.build_folder)
    tree.make({program for safeguard in chosen for program, _ in safeguard.tests})
    missed = 0
    for safeguard in chosen:
        began = time.monotonic()
        noticed = tree.without(safeguard)
        missed += noticed is None
        print(f"{safeguard.name:50} {noticed or 'NOT NOTICED'} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"controls: {len(chosen)} safeguards taken out, {missed} not noticed")
    log = os.environ.get("TIDEMARK_CAMPAIGN_LOG")
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f'{{"campaign": "controls", "passed": {str(missed == 0).lower()}, '
                       f'"safeguards": {len(chosen)}}}\n')
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
