// Listings: sessions, what is merged, small and large answers, wrong orders.
#include "../groups.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <unistd.h>

namespace {

std::vector<std::string> split(const std::string &listing) {
    std::vector<std::string> names;
    size_t from = 0;
    while (from < listing.size()) {
        const size_t slash = std::min(listing.find('/', from), listing.size());
        names.push_back(listing.substr(from, slash - from));
        from = slash + 1;
    }
    return names;
}

std::string sorted(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return joined(names, " ");
}

struct Scene {
    Scene() : instance("listing") {
        Instance::Options options;
        options.notifications = false;
        instance.start(options);
    }

    std::string dir() {
        const std::string path = "d" + std::to_string(next_++);
        instance.provider.put(path, folder("of " + path));
        return path;
    }

    void fill(const std::string &path, int count, const std::string &suffix = "") {
        for (int i = 0; i < count; i++) {
            instance.provider.put(path + "\\" + name(i) + suffix, file("stored"));
        }
    }

    static std::string name(int i) {
        const std::string number = std::to_string(i);
        return "n" + std::string(6 - number.size(), '0') + number;
    }

    std::vector<std::string> list(const std::string &path) {
        const Outcome outcome = application({"list", instance.at(path)});
        require(outcome.error == 0, "listing " + path + ": " + outcome.text());
        return split(outcome.value);
    }

    Instance instance;
    Application application;

  private:
    int next_ = 0;
};

}  // namespace

void enumeration(Group &group) {
    Scene scene;
    Instance &instance = scene.instance;
    const auto at = [&](const std::string &path) { return instance.at(path); };

    group.test("an empty directory", [&] {
        const std::string dir = scene.dir();
        same(sorted(scene.list(dir)), "", "names");
    });
    group.test("one projected file", [&] {
        const std::string dir = scene.dir();
        instance.provider.put(dir + "\\onlyFileInFolder.txt", file(""));
        same(sorted(scene.list(dir)), "onlyFileInFolder.txt", "names");
    });
    for (const std::string local : {"newfileInScratch.txt", "123"}) {
        group.test("a projected file and a local one: " + local, [&] {
            const std::string dir = scene.dir();
            instance.provider.put(dir + "\\newfileInPackage.txt", file(""));
            scene.application({"create", at(dir + "\\" + local), ""});
            std::vector<std::string> expected = {"newfileInPackage.txt", local};
            same(sorted(scene.list(dir)), sorted(expected), "names");
        });
    }
    group.test("one of two projected files deleted", [&] {
        const std::string dir = scene.dir();
        instance.provider.put(dir + "\\fileInPackage1.txt", file(""));
        instance.provider.put(dir + "\\fileInPackage2.txt", file(""));
        scene.application({"unlink", at(dir + "\\fileInPackage1.txt")});
        same(sorted(scene.list(dir)), "fileInPackage2.txt", "names");
    });
    group.test("twenty-six files, every other opened", [&] {
        const std::string dir = scene.dir();
        std::vector<std::string> expected;
        for (char c = 'a'; c <= 'z'; c++) {
            instance.provider.put(dir + "\\" + c, file("stored"));
            expected.emplace_back(1, c);
            if ((c - 'a') % 2 == 0) {
                scene.application({"read", at(dir + "\\" + c)});
            }
        }
        same(sorted(scene.list(dir)), sorted(expected), "names, each once");
    });
    group.test("all files deleted, listed three times on one handle", [&] {
        const std::string dir = scene.dir();
        instance.provider.put(dir + "\\fileInPackage1.txt", file(""));
        scene.application({"unlink", at(dir + "\\fileInPackage1.txt")});
        scene.application({"opendir", "h", at(dir)});
        for (int i = 0; i < 3; i++) {
            same(scene.application({"entries", "h"}).value, "", "names");
            scene.application({"rewind", "h"});
        }
        scene.application({"closedir", "h"});
    });
    group.not_applicable("search expressions given by applications",
                         "Linux programs list a directory whole and filter names themselves");
    group.test("listed, rewound, and listed again: what is new is there", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 3);
        scene.application({"opendir", "h", at(dir)});
        same(sorted(split(scene.application({"entries", "h"}).value)), "n000000 n000001 n000002", "names");
        scene.application({"rewind", "h"});
        same(sorted(split(scene.application({"entries", "h"}).value)), "n000000 n000001 n000002", "names, rewound");
        scene.application({"create", at(dir + "\\mine"), "x"});
        scene.application({"rewind", "h"});
        same(sorted(split(scene.application({"entries", "h"}).value)), "mine n000000 n000001 n000002", "names, with a new one");
        scene.application({"closedir", "h"});
    });
    group.test("what is on disk wins: one entry, with its own attributes", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 5);
        scene.application({"overwrite", at(dir + "\\n000002"), "a longer text"});
        same(sorted(scene.list(dir)), "n000000 n000001 n000002 n000003 n000004", "names");
        check(scene.application({"lstat", at(dir + "\\n000002")}).value.starts_with("file 13 "), "its size");
    });
    group.test("listing makes no placeholders and changes no state", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 20);
        instance.provider.clear_records();
        scene.list(dir);
        for (int i = 0; i < 20; i++) {
            same(instance.state(dir + "\\" + Scene::name(i)), "none", "state");
        }
        for (const Record &record : instance.provider.records()) {
            check(record.kind != Kind::info || record.path == dir, "asked for: " + record.text());
        }
    });
    group.test("a session is started, asked, and ended, by one id", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 10);
        instance.provider.clear_records();
        scene.list(dir);
        check(instance.provider.wait_for(Kind::end, dir), "it ends");
        const auto starts = instance.provider.records(Kind::start, dir);
        const auto gets = instance.provider.records(Kind::get, dir);
        const auto ends = instance.provider.records(Kind::end, dir);
        same_number(static_cast<long long>(starts.size()), static_cast<long long>(ends.size()), "starts and ends");
        check(!gets.empty(), "gets");
        for (const Record &record : gets) {
            check(std::any_of(starts.begin(), starts.end(),
                              [&](const Record &start) { return start.session == record.session; }),
                  "of a session that was started");
            check(!record.has_expression || record.expression.empty() || record.expression == "*", "everything is asked for");
        }
        check(gets[0].number > starts[0].number && ends[0].number > gets.back().number, "order");
    });
    group.test("opened and closed without being listed: nothing starts", [&] {
        const std::string dir = scene.dir();
        scene.application({"lstat", at(dir)});
        instance.provider.clear_records();
        scene.application({"touch", "r+directory", at(dir)});
        settle(instance, scene.application);
        check(instance.provider.records(Kind::start, dir).empty(), "nothing started");
    });
    for (const size_t batch : {size_t{1}, size_t{2}, size_t{7}}) {
        group.test("answers of " + std::to_string(batch) + " entries", [&] {
            const std::string dir = scene.dir();
            scene.fill(dir, 50);
            instance.provider.batch = batch;
            const auto names = scene.list(dir);
            instance.provider.batch = 0;
            same_number(static_cast<long long>(names.size()), 50, "names");
            same_number(static_cast<long long>(std::set<std::string>(names.begin(), names.end()).size()), 50, "each once");
        });
    }
    group.test("so many entries that a buffer is full: the one that was refused comes next", [&] {
        const std::string dir = scene.dir();
        const std::string suffix = "-" + std::string(200, 'x');
        constexpr int count = 5000;
        scene.fill(dir, count, suffix);
        instance.provider.refusals = 0;
        instance.provider.clear_records();
        instance.provider.hook(Kind::get, dir, [&](Record &record) -> std::optional<HRESULT> {
            const size_t before = instance.provider.refusals;
            const HRESULT result = instance.provider.answer_entries(record);
            if (instance.provider.refusals != before) {
                PRJ_FILE_BASIC_INFO info = basic_info(file(""));
                same(PrjFillDirEntryBuffer(wide("zz").c_str(), &info, record.buffer), hr::insufficient_buffer,
                     "a short name after a refusal");
            }
            return result;
        });
        const auto names = scene.list(dir);
        instance.provider.clear_hooks();
        const std::set<std::string> once(names.begin(), names.end());
        same_number(static_cast<long long>(names.size()), static_cast<long long>(once.size()), "no name twice");
        int missing = 0;
        for (int i = 0; i < count; i++) {
            missing += once.contains(Scene::name(i) + suffix) ? 0 : 1;
        }
        same_number(missing, 0, "missing names");
        check(instance.provider.refusals > 0, "a buffer was full");
        same_number(static_cast<long long>(instance.provider.records(Kind::start, dir).size()), 1, "sessions");
    });
    group.test("a provider that says the buffer is too small for its first entry", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 3);
        std::atomic<int> calls{0};
        instance.provider.hook(Kind::get, dir, [&](Record &) -> std::optional<HRESULT> {
            calls++;
            return hr::insufficient_buffer;
        });
        same(scene.application({"list", at(dir)}).text(), "EIO", "listing");
        check(calls <= 3, "it is not asked for ever: " + std::to_string(calls));
        instance.provider.clear_hooks();
    });
    group.test("names in the wrong order: each is there, once", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 100);
        scene.application({"create", at(dir + "\\mine"), "x"});
        scene.application({"unlink", at(dir + "\\n000050")});
        scene.application({"read", at(dir + "\\n000060")});
        instance.provider.backwards = true;
        for (const size_t batch : {size_t{0}, size_t{9}}) {
            instance.provider.batch = batch;
            auto names = scene.list(dir);
            same_number(static_cast<long long>(names.size()), 100, "names");
            same_number(static_cast<long long>(std::set<std::string>(names.begin(), names.end()).size()), 100, "each once");
        }
        instance.provider.batch = 0;
        instance.provider.backwards = false;
    });
    group.test("a name that is listed twice is shown once", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 2);
        std::atomic<bool> first{true};
        instance.provider.hook(Kind::get, dir, [&](Record &record) -> std::optional<HRESULT> {
            if (first.exchange(false)) {
                PRJ_FILE_BASIC_INFO info = basic_info(file(""));
                PrjFillDirEntryBuffer(wide("n000000").c_str(), &info, record.buffer);
            }
            return std::nullopt;
        });
        same(sorted(scene.list(dir)), "n000000 n000001", "names");
        instance.provider.clear_hooks();
    });
    group.test("names that differ by case only", [&] {
        const std::string dir = scene.dir();
        for (const char *name : {"a", "A", "b", "B_", "b_", "aB", "a_b"}) {
            instance.provider.put(dir + "\\" + name, file(name));
        }
        const auto names = scene.list(dir);
        same_number(static_cast<long long>(std::set<std::string>(names.begin(), names.end()).size()),
                    static_cast<long long>(names.size()), "each once");
        group.found("of 7 names, some of which differ by case only, " + std::to_string(names.size()) + " are shown");
    });
    group.test("PrjFillDirEntryBuffer, names that are none", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 1);
        std::mutex lock;
        std::vector<std::pair<std::string, HRESULT>> results;
        instance.provider.hook(Kind::get, dir, [&](Record &record) -> std::optional<HRESULT> {
            const std::lock_guard guard(lock);
            for (const std::string name : {"", ".", "..", "a\\b", "a/b"}) {
                results.emplace_back(name, PrjFillDirEntryBuffer(wide(name).c_str(), nullptr, record.buffer));
            }
            results.emplace_back("NULL", PrjFillDirEntryBuffer(nullptr, nullptr, record.buffer));
            PRJ_EXTENDED_INFO extended = {};
            extended.InfoType = static_cast<PRJ_EXT_INFO_TYPE>(7);
            results.emplace_back("unknown information",
                                 PrjFillDirEntryBuffer2(record.buffer, wide("c").c_str(), nullptr, &extended));
            return std::nullopt;
        });
        same(sorted(scene.list(dir)), "n000000", "names");
        instance.provider.clear_hooks();
        const std::lock_guard guard(lock);
        for (const auto &[name, result] : results) {
            same(result, hr::invalid_argument, "\"" + name + "\"");
        }
    });
    group.test("an entry without information is an empty file", [&] {
        const std::string dir = scene.dir();
        std::atomic<bool> first{true};
        instance.provider.hook(Kind::get, dir, [&](Record &record) -> std::optional<HRESULT> {
            if (first.exchange(false)) {
                return PrjFillDirEntryBuffer(wide("plain").c_str(), nullptr, record.buffer);
            }
            return hr::ok;
        });
        same(sorted(scene.list(dir)), "plain", "names");
        instance.provider.clear_hooks();
    });
    group.test("both forms of filling, links and directories too", [&] {
        for (const bool second : {false, true}) {
            const std::string dir = scene.dir();
            scene.fill(dir, 3);
            instance.provider.put(dir + "\\sub", folder());
            Entry link;
            link.target = "n000000";
            instance.provider.put(dir + "\\link", link);
            instance.provider.second_forms = second;
            same(sorted(scene.list(dir)), "link n000000 n000001 n000002 sub", "names");
            check(scene.application({"lstat", at(dir + "\\link")}).value.starts_with("link "), "the link");
            check(scene.application({"lstat", at(dir + "\\sub")}).value.starts_with("dir "), "the directory");
        }
        instance.provider.second_forms = true;
    });
    group.test("equal results with and without a slash", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 5);
        scene.application({"unlink", at(dir + "\\n000003")});
        same(sorted(split(scene.application({"list", at(dir)}).value)),
             sorted(split(scene.application({"list", at(dir) + "/"}).value)), "names");
    });
    group.test("eight list one directory at once", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 300);
        instance.provider.batch = 10;
        std::vector<std::unique_ptr<Application>> many;
        for (int i = 0; i < 8; i++) {
            many.push_back(std::make_unique<Application>());
            many.back()->begin({"list", at(dir)});
        }
        for (auto &one : many) {
            const auto names = split(one->end().value);
            same_number(static_cast<long long>(std::set<std::string>(names.begin(), names.end()).size()), 300, "names");
            same_number(static_cast<long long>(names.size()), 300, "each once");
        }
        instance.provider.batch = 0;
    });
    group.test("deleted while it is listed, each entry at most once", [&] {
        const std::string dir = scene.dir();
        scene.fill(dir, 500);
        const auto names = scene.list(dir);
        for (const std::string &name : names) {
            same(scene.application({"unlink", at(dir + "\\" + name)}).text(), "ok", "deleting " + name);
        }
        same(sorted(scene.list(dir)), "", "names");
        same(scene.application({"rmdir", at(dir)}).text(), "ok", "removing the directory");
    });
    group.test("the root is listed", [&] {
        instance.provider.clear_records();
        const auto names = scene.list("");
        check(std::find(names.begin(), names.end(), "d0") != names.end(), "its names");
        check(!instance.provider.records(Kind::start, "").empty(), "its path is empty");
    });
    group.test("every session ended, and was used as it must be", [&] {
        check(instance.provider.wait([&] { return instance.provider.open_sessions() == 0; }), "every session ended");
        for (const std::string &fault : instance.provider.session_faults()) {
            fail(fault);
        }
    });
    group.test("sessions that are open at a stop are ended", [&] {
        Instance other("stop");
        other.provider.put("d", folder());
        for (int i = 0; i < 2000; i++) {
            other.provider.put("d\\" + Scene::name(i), file("stored"));
        }
        other.provider.batch = 1;
        other.start();
        scene.application({"opendir", "held", other.at("d")});
        Application lister;
        lister.begin({"list", other.at("d")});
        other.provider.wait_for(Kind::get, "d", 3);
        other.stop();
        same_number(static_cast<long long>(other.provider.open_sessions()), 0, "open sessions");
        scene.application({"closedir", "held"});
    });
}
