// What each callback is given, and what its answer does to the application.
#include "../groups.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <climits>
#include <cstring>
#include <map>
#include <set>
#include <unistd.h>

namespace {

constexpr uint32_t all = 0x1FFE;

struct Scene {
    Scene() : instance("fields") {
        Instance::Options options;
        options.mappings = {{"", all}};
        Entry dir = folder("of d");
        instance.provider.put("d", dir);
        instance.provider.put("d\\sub", folder("of sub"));
        for (const char *name : {"f", "g", "h", "i"}) {
            instance.provider.put(std::string("d\\sub\\") + name, file("stored", std::string("of ") + name));
        }
        instance.start(options);
    }

    Record only(Kind kind, const std::string &path) {
        const auto found = instance.provider.records(kind, path);
        require(!found.empty(), "a callback for " + path);
        return found.front();
    }

    Outcome run(const std::vector<std::string> &words) { return application(words); }

    Instance instance;
    Application application;
};

bool is_zero(const GUID &guid) {
    return show(guid) == std::string(32, '0');
}

}  // namespace

void callback_fields(Group &group) {
    Scene scene;
    Instance &instance = scene.instance;
    group.test("some of every callback", [&] {
        same(scene.run({"read", instance.at("d\\sub\\f")}).value, "stored", "reading");
        scene.run({"list", instance.at("d\\sub")});
        scene.run({"write", instance.at("d\\sub\\g"), "x"});
        scene.run({"unlink", instance.at("d\\sub\\g")});
        scene.run({"lstat", instance.at("d\\sub\\absent")});
        scene.run({"utimens", instance.at("d\\sub\\h"), "1234567890"});
        scene.run({"rename", instance.at("d\\sub\\f"), instance.at("d\\sub\\f2")});
        settle(instance, scene.application);
        std::set<Kind> kinds;
        for (const Record &record : instance.provider.records()) {
            kinds.insert(record.kind);
        }
        for (const Kind kind : {Kind::start, Kind::get, Kind::end, Kind::info, Kind::data, Kind::query, Kind::notification}) {
            check(kinds.contains(kind), "kind " + std::to_string(static_cast<int>(kind)) + " came");
        }
    });
    const auto each = [&](const std::string &name, const std::function<void(const Record &)> &body) {
        group.test(name, [&, body] {
            for (const Record &record : instance.provider.records()) {
                body(record);
            }
        });
    };
    each("Size is 96", [](const Record &record) { same_number(record.size, 96, record.text()); });
    each("NamespaceVirtualizationContext is the one that start gave",
         [&](const Record &record) { check(record.context == instance.context(), record.text()); });
    each("InstanceContext is the one that was given to start",
         [&](const Record &record) { check(record.instance_context == &instance, record.text()); });
    each("Flags are 0 but in listings", [](const Record &record) {
        if (record.kind != Kind::get) {
            same_number(record.flags, 0, record.text());
        } else {
            check((record.flags & ~3) == 0, record.text());
        }
    });
    each("FilePathName is there, relative and with backslashes", [](const Record &record) {
        check(record.has_path, record.text());
        check(record.path.find('/') == std::string::npos, record.text());
        check(record.path.empty() || (record.path.front() != '\\' && record.path.back() != '\\'), record.text());
    });
    each("FileId is not empty", [](const Record &record) {
        if (record.kind != Kind::cancel) {
            check(!is_zero(record.file_id), record.text());
        }
    });
    each("TriggeringProcessId is the application's, where it is promised", [&](const Record &record) {
        const bool closes = record.kind == Kind::notification &&
                            (record.notification & (PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_NO_MODIFICATION |
                                                    PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_MODIFIED)) != 0;
        const bool promised = record.kind == Kind::info || record.kind == Kind::data ||
                              (record.kind == Kind::notification && !closes);
        const bool is_right = record.process == static_cast<uint32_t>(scene.application.pid());
        check(is_right || (!promised && record.process == 0), record.text() + ": " + std::to_string(record.process));
    });
    each("TriggeringProcessImageFileName is its program, and NULL if the id is 0", [](const Record &record) {
        if (record.process == 0) {
            check(!record.has_image, record.text());
        } else {
            check(record.has_image, record.text());
            same(record.image, settings.program, record.text());
        }
    });
    group.test("CommandId is unique among the callbacks that run at once", [&] {
        // What runs at once here is what is pended: see the group \"asynchronous\". Here: none is used twice at a time.
        std::map<int32_t, int> seen;
        for (const Record &record : instance.provider.records()) {
            seen[record.command]++;
        }
        check(!seen.empty(), "there are commands");
    });
    group.test("DataStreamId differs from fetch to fetch", [&] {
        std::set<std::string> streams;
        size_t count = 0;
        for (const Record &record : instance.provider.records()) {
            if (record.kind == Kind::data) {
                check(!is_zero(record.stream), record.text());
                streams.insert(show(record.stream));
                count++;
            }
        }
        check(count >= 2 && streams.size() == count, "each has its own");
    });
    group.test("FileId is one per operation or handle", [&] {
        const auto opened = instance.provider.records(Kind::notification, "d\\sub\\f");
        require(opened.size() >= 2, "notifications of one handle");
        same(show(opened[0].file_id), show(opened[1].file_id), "opened and closed by one handle");
        const auto other = scene.only(Kind::notification, "d\\sub\\g");
        check(show(other.file_id) != show(opened[0].file_id), "another handle has another");
    });

    const auto version = [&](const char *what, Kind kind, const std::string &path, const std::string &expected) {
        group.test(std::string("VersionInfo of ") + what, [&, kind, path, expected] {
            const Record record = scene.only(kind, path);
            require(record.has_version, "it is there");
            same(record.content_id(), expected, "ContentID");
            same(std::string(reinterpret_cast<const char *>(record.version.ProviderID)), expected.empty() ? "" : "p",
                 "ProviderID");
        });
    };
    version("get-placeholder-info: the parent's", Kind::info, "d\\sub\\f", "of sub");
    version("get-placeholder-info of a name that is absent", Kind::info, "d\\sub\\absent", "of sub");
    version("get-placeholder-info directly in the root: zeros", Kind::info, "d", "");
    version("get-file-data: the file's", Kind::data, "d\\sub\\f", "of f");
    version("start: the directory's", Kind::start, "d\\sub", "of sub");
    version("get: the directory's", Kind::get, "d\\sub", "of sub");
    group.test("VersionInfo of notifications: the placeholder's, and NULL of what is full", [&] {
        size_t with = 0;
        for (const Record &record : instance.provider.records(Kind::notification, "d\\sub\\f")) {
            if (record.notification == PRJ_NOTIFICATION_FILE_OPENED) {
                check(record.has_version && record.content_id() == "of f", record.text());
                with++;
            }
        }
        check(with > 0, "a placeholder was opened");
        instance.provider.clear_records();
        scene.run({"create", instance.at("d\\sub\\new"), "x"});
        scene.run({"read", instance.at("d\\sub\\new")});
        settle(instance, scene.application);
        for (const Record &record : instance.provider.records(Kind::notification, "d\\sub\\new")) {
            check(!record.has_version, record.text());
        }
    });
    group.test("get-file-data of what was moved names the path of the store", [&] {
        instance.provider.put("d\\sub\\moves", file("stored", "of moves"));
        scene.run({"lstat", instance.at("d\\sub\\moves")});
        scene.run({"rename", instance.at("d\\sub\\moves"), instance.at("d\\moved")});
        same(scene.run({"read", instance.at("d\\moved")}).value, "stored", "content");
        const Record record = scene.only(Kind::data, "d\\sub\\moves");
        same(record.content_id(), "of moves", "ContentID");
    });
    group.test("get-placeholder-info is called once for each part, from the top", [&] {
        instance.provider.put("a", folder());
        instance.provider.put("a\\b", folder());
        instance.provider.put("a\\b\\c", file("stored"));
        instance.provider.clear_records();
        scene.run({"lstat", instance.at("a\\b\\c")});
        std::vector<std::string> asked;
        for (const Record &record : instance.provider.records()) {
            if (record.kind == Kind::info) {
                asked.push_back(record.path);
            }
        }
        same(joined(asked, " "), "a a\\b a\\b\\c", "paths");
        instance.provider.clear_records();
        scene.run({"lstat", instance.at("a\\b\\c")});
        check(instance.provider.records().empty(), "and not again");
    });
    group.test("of many who look a name up at once, one asks", [&] {
        instance.provider.put("a\\wanted", file("stored"));
        std::atomic<bool> go{false};
        instance.provider.hook(Kind::info, "a\\wanted", [&](Record &) -> std::optional<HRESULT> {
            while (!go) {
                usleep(1000);
            }
            return std::nullopt;
        });
        std::vector<std::unique_ptr<Application>> many;
        for (int i = 0; i < 6; i++) {
            many.push_back(std::make_unique<Application>());
            many.back()->begin({"lstat", instance.at("a\\wanted")});
        }
        instance.provider.wait_for(Kind::info, "a\\wanted");
        usleep(50000);
        go = true;
        for (auto &one : many) {
            same(one->end().text(), "ok", "looking it up");
        }
        same_number(static_cast<long long>(instance.provider.records(Kind::info, "a\\wanted").size()), 1, "asked for");
        instance.provider.clear_hooks();
    });

    // What a callback may return, and what the application then sees.
    const struct {
        HRESULT code;
        const char *error;
    } codes[] = {
        {hr::out_of_memory, "ENOMEM"},
        {hr::file_not_found, "ENOENT"},
        {hr::invalid_argument, "EINVAL"},
        {hr::access_denied, "EACCES"},
        {hr::unavailable, "EHOSTDOWN"},
        {hr::internal_error, "EIO"},
        {hr::cannot_delete, "EPERM"},
        {hr::of(0xD0000022), "EACCES"},
        {hr::of(0xD000007F), "ENOSPC"},
        {hr::disk_full, "ENOSPC"},
        {hr::of(0x80070020), "EBUSY"},
        {hr::of(0x800705B4), "ETIMEDOUT"},
        {hr::of(0x80004005), "EIO"},
        {hr::of(0x8007FFFF), "EIO"},
        {1, "EIO"},
    };
    int next = 0;
    for (const auto &one : codes) {
        group.test("get-placeholder-info answers " + show(one.code), [&] {
            const std::string path = "a\\code-" + std::to_string(next++);
            instance.provider.put(path, file("stored"));
            instance.provider.hook(Kind::info, path, [&](Record &) { return one.code; });
            same(scene.run({"lstat", instance.at(path)}).text(), one.error, "looking it up");
            if (one.code != hr::file_not_found) {
                same(scene.run({"create", instance.at(path), "x"}).text(), one.error, "creating it");
                instance.provider.clear_hooks();
                same(scene.run({"lstat", instance.at(path)}).text(), "ok", "nothing of it is remembered");
            }
            instance.provider.clear_hooks();
        });
        group.test("get-file-data answers " + show(one.code), [&] {
            const std::string path = "a\\code-" + std::to_string(next++);
            instance.provider.put(path, file("stored"));
            instance.provider.hook(Kind::data, path, [&](Record &) { return one.code; });
            same(scene.run({"read", instance.at(path)}).text(), one.error, "reading");
            same(scene.run({"write", instance.at(path), "x"}).text(), one.error, "opening for writing");
            same(instance.state(path), "P", "state");
            instance.provider.clear_hooks();
            same(scene.run({"read", instance.at(path)}).value, "stored", "the next access asks again");
        });
        group.test("start answers " + show(one.code), [&] {
            const std::string path = "a\\code-" + std::to_string(next++);
            instance.provider.put(path, folder());
            instance.provider.put(path + "\\f", file("stored"));
            instance.provider.hook(Kind::start, path, [&](Record &) { return one.code; });
            // \"Not found\": the directory is there, so what is local is listed.
            same(scene.run({"list", instance.at(path)}).text(), one.code == hr::file_not_found ? "ok" : one.error, "listing");
            instance.provider.clear_hooks();
            check(instance.provider.records(Kind::get, path).empty(), "no get follows");
            check(instance.provider.records(Kind::end, path).empty(), "no end follows");
            same(scene.run({"list", instance.at(path)}).value, "f", "the next listing");
        });
        group.test("get answers " + show(one.code), [&] {
            const std::string path = "a\\code-" + std::to_string(next++);
            instance.provider.put(path, folder());
            instance.provider.put(path + "\\f", file("stored"));
            instance.provider.hook(Kind::get, path, [&](Record &) { return one.code; });
            same(scene.run({"list", instance.at(path)}).text(), one.error, "listing");
            check(instance.provider.wait_for(Kind::end, path), "end follows");
            instance.provider.clear_hooks();
            same(scene.run({"list", instance.at(path)}).value, "f", "the next listing");
        });
    }
    group.test("get-placeholder-info answers S_OK without a placeholder", [&] {
        instance.provider.hook(Kind::info, "a\\liar", [](Record &) { return hr::ok; });
        same(scene.run({"lstat", instance.at("a\\liar")}).text(), "EIO", "looking it up");
        instance.provider.clear_hooks();
        instance.provider.put("a\\liar", file("stored"));
        same(scene.run({"lstat", instance.at("a\\liar")}).text(), "ok", "nothing of it is remembered");
    });
    group.test("query answers an error: a tombstone is left", [&] {
        const std::string path = "a\\queried";
        scene.run({"create", instance.at(path), "x"});
        instance.provider.hook(Kind::query, path, [](Record &) { return hr::internal_error; });
        same(scene.run({"unlink", instance.at(path)}).text(), "ok", "deleting");
        instance.provider.clear_hooks();
        instance.provider.clear_records();
        instance.provider.put(path, file("stored"));
        same(scene.run({"lstat", instance.at(path)}).text(), "ENOENT", "it stays deleted");
        check(instance.provider.records(Kind::info, path).empty(), "without being asked for");
    });
    group.test("without a query callback a listing says whether a name is in the store", [&] {
        Instance other("query");
        Instance::Options options;
        options.query = false;
        options.notifications = false;
        other.provider.put("stored", file("stored"));
        other.start(options);
        scene.run({"overwrite", other.at("stored"), "x"});
        scene.run({"create", other.at("local"), "x"});
        other.provider.clear_records();
        same(scene.run({"unlink", other.at("stored")}).text(), "ok", "deleting what is stored");
        same(scene.run({"unlink", other.at("local")}).text(), "ok", "deleting what is local");
        check(!other.provider.records(Kind::start, "").empty(), "it is listed");
        check(other.provider.wait([&] { return other.provider.open_sessions() == 0; }), "and the listing ends");
        other.provider.clear_records();
        scene.run({"lstat", other.at("stored")});
        scene.run({"lstat", other.at("local")});
        check(other.provider.records(Kind::info, "stored").empty(), "a tombstone hides what is stored");
        check(!other.provider.records(Kind::info, "local").empty(), "nothing hides what was local");
    });

    // Rules of the structure that PrjWritePlaceholderInfo takes.
    group.test("a placeholder shows what it was given", [&] {
        Entry entry = file(std::string(12345, 'x'));
        entry.written = 132537600001234567;
        instance.provider.put("a\\shown", entry);
        const std::string shown = scene.run({"lstat", instance.at("a\\shown")}).value;
        const long long seconds = entry.written / 10000000 - 11644473600LL;
        check(shown.starts_with("file 12345 "), "kind and size: " + shown);
        check(shown.ends_with(" " + std::to_string(seconds) + ".1234567"), "time, to 100 ns: " + shown);
    });
    group.test("a read-only placeholder has no write bits", [&] {
        Entry entry = file("stored");
        entry.attributes = 1;
        instance.provider.put("a\\read-only", entry);
        const std::string shown = scene.run({"lstat", instance.at("a\\read-only")}).value;
        check(shown.find(" 444 ") != std::string::npos, shown);
    });
    group.test("a time of 0 is now", [&] {
        Entry entry = file("stored");
        entry.written = 0;
        instance.provider.put("a\\now", entry);
        const long long before = time(nullptr);
        const std::string shown = scene.run({"lstat", instance.at("a\\now")}).value;
        const long long seconds = std::atoll(shown.substr(shown.rfind(' ') + 1).c_str());
        check(seconds >= before - 2 && seconds <= before + 60, shown);
    });
    group.test("FILE_ATTRIBUTE_DIRECTORY follows IsDirectory", [&] {
        Entry entry = file("stored");
        entry.attributes = 0x10;
        instance.provider.put("a\\not-a-directory", entry);
        check(scene.run({"lstat", instance.at("a\\not-a-directory")}).value.starts_with("file "), "a file");
    });
    group.test("a symbolic link", [&] {
        Entry entry;
        entry.target = "sub\\target with \u00e9";
        instance.provider.put("a\\link", entry);
        check(scene.run({"lstat", instance.at("a\\link")}).value.starts_with("link "), "a link");
        same(scene.run({"readlink", instance.at("a\\link")}).value, "sub\\target with \u00e9", "target, as it was given");
        same(instance.state("a\\link"), "P", "state");
    });
    group.test("extended attributes", [&] {
        Entry entry = file("stored");
        entry.variable = extended_attribute("COLOUR", "red");
        instance.provider.put("a\\attributes", entry);
        same(scene.run({"lstat", instance.at("a\\attributes")}).text(), "ok", "looking it up");
        one_of(scene.run({"getxattr", instance.at("a\\attributes"), "user.COLOUR"}).value +
                   scene.run({"getxattr", instance.at("a\\attributes"), "user.colour"}).value,
               {"red", "redred"}, "value");
    });
    // How a Windows name is spelled on Linux is the implementation's choice, if it is one that can be found.
    const auto spelled = [&](const std::string &path, const std::string &name) {
        std::string lower = name;
        for (char &letter : lower) {
            letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
        }
        return scene.run({"getxattr", instance.at(path), "user." + name}).error == 0 ? "user." + name : "user." + lower;
    };
    const auto value = [&](const std::string &path, const std::string &name) {
        const Outcome got = scene.run({"getxattr", instance.at(path), spelled(path, name)});
        return got.error == 0 ? got.value : got.text();
    };
    group.test("extended attributes: several, of any bytes, under any spelling", [&] {
        Entry entry = file("stored");
        entry.variable = extended_attributes({{"ONE", "1"}, {"Two", std::string("a\xFF z", 4)}, {"$LONG.NAME-3", std::string(300, 'v')}});
        instance.provider.put("a\\several", entry);
        const std::string path = instance.at("a\\several");
        same(value("a\\several", "ONE"), "1", "the first");
        same(value("a\\several", "TWO"), std::string("a\xFF z", 4), "the second");
        same(value("a\\several", "$LONG.NAME-3"), std::string(300, 'v'), "the third");
        const std::string names = scene.run({"listxattr", path}).value;
        same_number(std::count(names.begin(), names.end(), '/'), 2, "three names: " + names);
        group.found("the extended attribute \"Two\" is " + spelled("a\\several", "TWO"));
        same(instance.state("a\\several"), "P", "state");
    });
    group.test("extended attributes in every state", [&] {
        Entry entry = file("stored");
        entry.variable = extended_attributes({{"COLOUR", "red"}, {"SHAPE", "round"}});
        instance.provider.put("a\\states", entry);
        const std::string path = instance.at("a\\states");
        scene.run({"list", instance.at("a")});
        same(value("a\\states", "COLOUR"), "red", "of a placeholder");
        same(scene.run({"read", path}).value, "stored", "content");
        same(instance.state("a\\states"), "H", "state");
        same(value("a\\states", "COLOUR"), "red", "of a hydrated file");
        same(scene.run({"setxattr", path, spelled("a\\states", "COLOUR"), "blue"}).text(), "ok", "setting one");
        same(instance.state("a\\states"), "DH", "state");
        same(value("a\\states", "COLOUR"), "blue", "of a dirty file");
        same(scene.run({"write", path, "mine"}).text(), "ok", "writing");
        same(instance.state("a\\states"), "F", "state");
        same(value("a\\states", "COLOUR") + " " + value("a\\states", "SHAPE"), "blue round", "of a full file");
    });
    group.test("extended attributes are removed by applications", [&] {
        Entry entry = file("stored");
        entry.variable = extended_attributes({{"COLOUR", "red"}, {"SHAPE", "round"}});
        instance.provider.put("a\\removed", entry);
        const std::string path = instance.at("a\\removed");
        same(scene.run({"removexattr", path, spelled("a\\removed", "COLOUR")}).text(), "ok", "removing one");
        same(instance.state("a\\removed"), "DP", "state");
        same(value("a\\removed", "COLOUR"), "ENODATA", "what was removed");
        same(scene.run({"read", path}).value, "stored", "content");
        same(value("a\\removed", "COLOUR") + " " + value("a\\removed", "SHAPE"), "ENODATA round", "once hydrated");
    });
    group.test("extended attributes of a directory", [&] {
        Entry entry = folder();
        entry.variable = extended_attribute("COLOUR", "red");
        instance.provider.put("a\\folder", entry);
        instance.provider.put("a\\folder\\in", file("stored"));
        same(value("a\\folder", "COLOUR"), "red", "of a placeholder");
        same(scene.run({"write", instance.at("a\\folder\\in"), "mine"}).text(), "ok", "writing into a file in it");
        same(value("a\\folder", "COLOUR"), "red", "with something in it");
        same(scene.run({"create", instance.at("a\\folder\\new"), "x"}).text(), "ok", "making a file in it");
        same(value("a\\folder", "COLOUR"), "red", "of a dirty directory");
    });
    group.test("an update of a placeholder replaces its extended attributes", [&] {
        Entry entry = file("stored");
        entry.variable = extended_attributes({{"COLOUR", "red"}, {"OLD", "1"}});
        instance.provider.put("a\\updated", entry);
        const std::string path = instance.at("a\\updated");
        for (const bool hydrated : {false, true}) {
            if (hydrated) {
                scene.run({"read", path});
            }
            same(value("a\\updated", "COLOUR"), hydrated ? "blue" : "red", "before");
            entry.version += "+";
            entry.variable = extended_attributes({{"COLOUR", hydrated ? "green" : "blue"}, {"NEW", "1"}});
            instance.provider.put("a\\updated", entry);
            same(instance.update("a\\updated", entry, 0), hr::ok, "update");
            same(value("a\\updated", "COLOUR"), hydrated ? "green" : "blue", "after");
            same(value("a\\updated", "OLD") + " " + value("a\\updated", "NEW"), "ENODATA 1", "the others");
        }
    });
    group.test("extended attributes of a placeholder ahead of time", [&] {
        Entry entry = file("stored");
        entry.variable = extended_attribute("COLOUR", "red");
        instance.provider.put("a\\ahead", entry);
        same(instance.place("a\\ahead", entry), hr::ok, "placing it");
        same(value("a\\ahead", "COLOUR"), "red", "value");
        same(scene.run({"read", instance.at("a\\ahead")}).value, "stored", "content");
        same(value("a\\ahead", "COLOUR"), "red", "value, once hydrated");
    });
    group.test("more extended attributes than an item can have are refused, or there", [&] {
        Entry entry = file("stored");
        const std::string large(60000, 'v');
        entry.variable = extended_attribute("LARGE", large);
        const HRESULT placed = instance.place("a\\large", entry);
        group.found("60,000 bytes of extended attributes: " + show(placed));
        one_of(placed, {hr::ok, hr::attributes_did_not_fit, hr::invalid_argument, hr::insufficient_buffer, hr::disk_full},
               "result");
        if (placed != hr::ok) {
            same(instance.state("a\\large"), "none", "state");
        }
    });
    const auto written = [&](const std::string &what, HRESULT expected,
                             const std::function<HRESULT(const Record &, PlaceholderInfo &)> &body, const Entry &entry) {
        group.test("PrjWritePlaceholderInfo, " + what, [&, expected, body, entry] {
            const std::string path = "a\\written-" + std::to_string(next++);
            instance.provider.put(path, file("stored"));
            std::atomic<HRESULT> result{hr::ok};
            instance.provider.hook(Kind::info, path, [&](Record &record) -> std::optional<HRESULT> {
                PlaceholderInfo info(entry);
                result = body(record, info);
                return std::nullopt;
            });
            scene.run({"lstat", instance.at(path)});
            instance.provider.clear_hooks();
            same(result, expected, "result");
        });
    };
    const auto write = [](const Record &record, PlaceholderInfo &info, uint32_t size, const std::string &path) {
        return PrjWritePlaceholderInfo(record.context, wide(path).c_str(), info.get(), size);
    };
    for (const uint32_t size : {0u, 56u, 336u, 343u}) {
        written("a size of " + std::to_string(size), hr::insufficient_buffer,
                [=](const Record &record, PlaceholderInfo &info) { return write(record, info, size, record.path); },
                file("stored"));
    }
    written("an empty path", hr::invalid_argument,
            [=](const Record &record, PlaceholderInfo &info) { return write(record, info, info.size(), ""); },
            file("stored"));
    for (const std::string bad : {"\\x", "x\\", "x\\\\y", ".", "..", "x\\..\\y"}) {
        written("a path that is none: " + bad, hr::invalid_argument,
                [=](const Record &record, PlaceholderInfo &info) { return write(record, info, info.size(), bad); },
                file("stored"));
    }
    written("a negative size of the file", hr::invalid_argument,
            [=](const Record &record, PlaceholderInfo &info) {
                info.get()->FileBasicInfo.FileSize = -1;
                return write(record, info, info.size(), record.path);
            },
            file("stored"));
    for (int block = 0; block < 3; block++) {
        written("a block that is not within it: " + std::to_string(block), hr::invalid_argument,
                [=](const Record &record, PlaceholderInfo &info) {
                    UINT32 *fields[] = {&info.get()->EaInformation.EaBufferSize, &info.get()->SecurityInformation.SecurityBufferSize,
                                        &info.get()->StreamsInformation.StreamsInfoBufferSize};
                    fields[block][0] = 100;
                    fields[block][1] = info.size() - 50;
                    return write(record, info, info.size(), record.path);
                },
                file("stored"));
        written("a block whose end wraps: " + std::to_string(block), hr::invalid_argument,
                [=](const Record &record, PlaceholderInfo &info) {
                    UINT32 *fields[] = {&info.get()->EaInformation.EaBufferSize, &info.get()->SecurityInformation.SecurityBufferSize,
                                        &info.get()->StreamsInformation.StreamsInfoBufferSize};
                    fields[block][0] = 0xFFFFFFFF;
                    fields[block][1] = 344;
                    return write(record, info, info.size(), record.path);
                },
                file("stored"));
    }
    Entry malformed = file("stored");
    malformed.variable = extended_attribute("COLOUR", "red").substr(0, 12);
    written("extended attributes that are cut off", hr::invalid_argument,
            [=](const Record &record, PlaceholderInfo &info) { return write(record, info, info.size(), record.path); },
            malformed);
    const auto chained = [&](const std::string &what, const std::function<void(std::string &)> &spoil) {
        Entry entry = file("stored");
        // The second begins after 16 bytes.
        entry.variable = extended_attributes({{"ONE", "1"}, {"TWO", "22"}});
        spoil(entry.variable);
        written("extended attributes " + what, hr::invalid_argument,
                [=](const Record &record, PlaceholderInfo &info) { return write(record, info, info.size(), record.path); }, entry);
    };
    chained("whose next is beyond the end", [](std::string &bytes) { bytes[0] = 100; });
    chained("whose next goes back into itself", [](std::string &bytes) { bytes[0] = 4; });
    chained("whose next is not aligned", [](std::string &bytes) { bytes[0] = 15; });
    chained("without a name", [](std::string &bytes) { bytes[5] = 0; });
    chained("whose name does not end", [](std::string &bytes) { bytes[11] = '!'; });
    chained("whose value is longer than the block", [](std::string &bytes) { bytes[16 + 6] = 3; });
    written("extended information of an unknown kind", hr::invalid_argument,
            [=](const Record &record, PlaceholderInfo &info) {
                PRJ_EXTENDED_INFO extended = {};
                extended.InfoType = static_cast<PRJ_EXT_INFO_TYPE>(9);
                return PrjWritePlaceholderInfo2(record.context, wide(record.path).c_str(), info.get(), info.size(), &extended);
            },
            file("stored"));
    written("extended information with a next one", hr::invalid_argument,
            [=](const Record &record, PlaceholderInfo &info) {
                PRJ_EXTENDED_INFO extended = {};
                const WideString target = wide("target");
                extended.InfoType = PRJ_EXT_INFO_TYPE_SYMLINK;
                extended.NextInfoOffset = 16;
                extended.Symlink.TargetName = target.c_str();
                return PrjWritePlaceholderInfo2(record.context, wide(record.path).c_str(), info.get(), info.size(), &extended);
            },
            file("stored"));
    group.test("PrjWritePlaceholderInfo twice for one question", [&] {
        instance.provider.put("a\\twice", file("stored"));
        std::atomic<HRESULT> second{hr::ok};
        instance.provider.hook(Kind::info, "a\\twice", [&](Record &record) -> std::optional<HRESULT> {
            const HRESULT first = instance.provider.answer_info(record);
            second = instance.provider.answer_info(record);
            return first;
        });
        same(scene.run({"read", instance.at("a\\twice")}).value, "stored", "content");
        one_of(second, {hr::already_exists, hr::file_exists}, "the second time");
        instance.provider.clear_hooks();
    });
    group.test("the second form without extended information is the first", [&] {
        instance.provider.second_forms = false;
        instance.provider.put("a\\first-form", file("stored"));
        same(scene.run({"read", instance.at("a\\first-form")}).value, "stored", "by the first form");
        instance.provider.second_forms = true;
        instance.provider.put("a\\second-form", file("stored"));
        same(scene.run({"read", instance.at("a\\second-form")}).value, "stored", "by the second form");
    });

    // Names.
    group.test("names go both ways: not ASCII, not Windows' own, long", [&] {
        std::string longest;
        for (int i = 0; i < 85; i++) {
            longest += "\u20ac";
        }
        for (const std::string &name : {std::string("\u00e4\u00f6\u00fc"), std::string("\U0001f600"), std::string("a:b*c?d\"e<f>g|h"),
                                       std::string("ends with a dot."), std::string("CON"), std::string("ends with a space "),
                                       longest, std::string(255, 'n')}) {
            const std::string path = "a\\" + name;
            instance.provider.put(path, file("stored"));
            same(scene.run({"read", instance.root() + "/a/" + name}).value, "stored", name);
            check(!instance.provider.records(Kind::data, path).empty(), "asked under its name: " + name);
            const std::string listed = "/" + scene.run({"list", instance.at("a")}).value + "/";
            check(listed.find("/" + name + "/") != std::string::npos, "listed: " + name);
        }
    });
    group.test("a Linux name with a backslash is not a path", [&] {
        const Outcome made = scene.run({"create", instance.root() + "/a/back\\slash", "x"});
        if (made.error == 0) {
            same(scene.run({"read", instance.root() + "/a/back\\slash"}).value, "x", "content");
            for (const Record &record : instance.provider.records()) {
                check(record.path != "a\\back\\slash", "it is not asked for as a path");
            }
        } else {
            one_of(made.text(), {"EINVAL", "EILSEQ"}, "creating it");
        }
        group.found(made.error == 0 ? "a backslash in a name is mapped" : "a backslash in a name is refused");
    });
    group.test("a Linux name that is not UTF-8 goes both ways, or is refused", [&] {
        const std::string name = "bytes-\xff\xfe";
        const Outcome made = scene.run({"create", instance.root() + "/a/" + name, "x"});
        if (made.error == 0) {
            same(scene.run({"read", instance.root() + "/a/" + name}).value, "x", "content");
            check((scene.run({"list", instance.at("a")}).value + "/").find(name + "/") != std::string::npos, "it is listed");
        } else {
            one_of(made.text(), {"EINVAL", "EILSEQ"}, "creating it");
        }
    });
    group.test("another spelling of a name", [&] {
        instance.provider.put("a\\Spelling", file("stored"));
        instance.provider.ignore_case = true;
        const Outcome other = scene.run({"read", instance.at("a\\sPELLING")});
        instance.provider.ignore_case = false;
        const Outcome exact = scene.run({"read", instance.at("a\\Spelling")});
        same(exact.value, "stored", "the exact one");
        check(other.error == 0 || other.error == ENOENT, "another: " + other.text());
        group.found(std::string("another spelling of a name: ") + other.text());
    });
    group.test("the longest component of a path in UTF-16 that Linux cannot have", [&] {
        std::string name;
        for (int i = 0; i < 200; i++) {
            name += "\u20ac";
        }
        instance.provider.put("a\\" + name, file("stored"));
        const std::string listed = scene.run({"list", instance.at("a")}).value;
        check(listed.find(name) == std::string::npos, "it is left out of listings");
        check(!listed.empty(), "which go on without it");
        instance.provider.remove("a\\" + name);
    });
    group.test("sessions were used as they must be", [&] {
        check(instance.provider.wait([&] { return instance.provider.open_sessions() == 0; }), "every session ended");
        for (const std::string &fault : instance.provider.session_faults()) {
            fail(fault);
        }
    });
}
