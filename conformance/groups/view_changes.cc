// The provider changes what is on disk: updates, deletions, placeholders ahead of time, and what is known not to exist.
#include "../groups.h"

#include <algorithm>
#include <future>
#include <set>
#include <thread>

namespace {

constexpr int flag_bits[] = {PRJ_UPDATE_ALLOW_DIRTY_METADATA, PRJ_UPDATE_ALLOW_DIRTY_DATA, PRJ_UPDATE_ALLOW_TOMBSTONE,
                             PRJ_UPDATE_ALLOW_READ_ONLY};
constexpr int cause_bits[] = {PRJ_UPDATE_FAILURE_CAUSE_DIRTY_METADATA, PRJ_UPDATE_FAILURE_CAUSE_DIRTY_DATA,
                              PRJ_UPDATE_FAILURE_CAUSE_TOMBSTONE, PRJ_UPDATE_FAILURE_CAUSE_READ_ONLY};
constexpr int everything = PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_DIRTY_DATA | PRJ_UPDATE_ALLOW_TOMBSTONE |
                           PRJ_UPDATE_ALLOW_READ_ONLY;

struct Scene {
    explicit Scene(uint32_t flags = 0) : instance("view") {
        instance.provider.put("d", folder());
        Instance::Options options;
        options.flags = flags;
        options.mappings = {{"", 0x1FFE}};
        instance.start(options);
    }

    std::string path(const std::string &state) { return "d\\" + std::to_string(next_++) + "-" + state; }

    std::string in(const std::string &state, const Entry &entry = file("stored")) {
        const std::string made = path(state);
        bring_into_state(instance, application, made, state, entry);
        return made;
    }

    std::string read(const std::string &path) {
        const Outcome outcome = application({"read", instance.at(path)});
        return outcome.error == 0 ? outcome.value : outcome.text();
    }

    void ok(const std::vector<std::string> &words) {
        same(application(words).text(), "ok", joined(words, " "));
    }

    bool listed(const std::string &path) {
        const size_t at = path.rfind('\\');
        const Outcome outcome = application({"list", instance.at(path.substr(0, at))});
        return ("/" + outcome.value + "/").find("/" + path.substr(at + 1) + "/") != std::string::npos;
    }

    size_t asked(const std::string &path) { return instance.provider.records(Kind::info, path).size(); }

    Instance instance;
    Application application;

  private:
    int next_ = 0;
};

// A state for the table of what must be allowed: how it is brought about, and what it needs.
struct Needs {
    const char *name;
    const char *state;
    bool read_only;
    int flags;
};

const Needs needs[] = {
    {"P", "P", false, 0},
    {"H", "H", false, 0},
    {"DP", "DP", false, PRJ_UPDATE_ALLOW_DIRTY_METADATA},
    {"DH", "DH", false, PRJ_UPDATE_ALLOW_DIRTY_METADATA},
    {"F", "F", false, PRJ_UPDATE_ALLOW_DIRTY_DATA},
    {"L", "L", false, PRJ_UPDATE_ALLOW_DIRTY_DATA},
    {"T", "T", false, PRJ_UPDATE_ALLOW_TOMBSTONE},
    {"P read-only", "P", true, PRJ_UPDATE_ALLOW_READ_ONLY},
    {"H read-only", "H", true, PRJ_UPDATE_ALLOW_READ_ONLY},
    {"DP read-only", "DP", true, PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_READ_ONLY},
    {"DH read-only", "DH", true, PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_READ_ONLY},
    {"F read-only", "F", true, PRJ_UPDATE_ALLOW_DIRTY_DATA | PRJ_UPDATE_ALLOW_READ_ONLY},
    {"L read-only", "L", true, PRJ_UPDATE_ALLOW_DIRTY_DATA | PRJ_UPDATE_ALLOW_READ_ONLY},
};

// An item in such a state.
std::string bring(Scene &scene, const Needs &need) {
    Entry entry = file("stored");
    const bool of_provider = need.state[0] == 'P' || need.state[0] == 'H';
    if (need.read_only && of_provider) {
        entry.attributes = 1;  // FILE_ATTRIBUTE_READONLY
    }
    const std::string path = scene.in(need.state, entry);
    if (need.read_only && !of_provider) {
        scene.ok({"chmod", scene.instance.at(path), "444"});
    }
    return path;
}

void flags_and_causes(Group &group, Scene &scene) {
    for (const bool updates : {true, false}) {
        for (const Needs &need : needs) {
            group.test(std::string(updates ? "PrjUpdateFileIfNeeded" : "PrjDeleteFile") + ", every combination of flags / " +
                           need.name,
                       [&] {
                           std::string path;
                           for (int combination = 0; combination < 16; combination++) {
                               if (path.empty()) {
                                   path = bring(scene, need);
                               }
                               int flags = 0;
                               int causes = 0;
                               for (int bit = 0; bit < 4; bit++) {
                                   flags |= (combination & 1 << bit) != 0 ? flag_bits[bit] : 0;
                                   const bool missing = (need.flags & flag_bits[bit]) != 0 && (combination & 1 << bit) == 0;
                                   causes |= missing ? cause_bits[bit] : 0;
                               }
                               const std::string with = "with flags " + std::to_string(flags);
                               const std::string before = scene.instance.state(path);
                               auto seen = static_cast<PRJ_UPDATE_FAILURE_CAUSES>(0x55);
                               const HRESULT result = updates
                                                          ? scene.instance.update(path, file("new", "2"), flags, &seen)
                                                          : scene.instance.drop(path, flags, &seen);
                               same(result, causes == 0 ? hr::ok : hr::invalid_operation, "result " + with);
                               same_number(seen, causes, "causes " + with);
                               if (result != hr::ok) {
                                   same(scene.instance.state(path), before, "state after a refusal " + with);
                                   continue;
                               }
                               same(scene.instance.state(path), updates ? "P" : "none", "state " + with);
                               if (updates) {
                                   scene.instance.provider.put(path, file("new", "2"));
                                   same(scene.read(path), "new", "content " + with);
                               } else {
                                   const bool stored = std::string(need.state) != "L";
                                   same(scene.read(path), stored ? "stored" : "ENOENT", "what is there then, " + with);
                               }
                               path.clear();
                           }
                       });
        }
    }
    group.test("failureReason may be NULL", [&] {
        same(scene.instance.drop(scene.in("F"), PRJ_UPDATE_NONE, nullptr), hr::invalid_operation, "PrjDeleteFile");
        same(scene.instance.update(scene.in("F"), file("new", "2"), PRJ_UPDATE_NONE, nullptr), hr::invalid_operation,
             "PrjUpdateFileIfNeeded");
    });
    for (const int bit : {PRJ_UPDATE_RESERVED1, PRJ_UPDATE_RESERVED2, PRJ_UPDATE_MAX_VAL}) {
        group.test("flags that do not exist are refused: " + std::to_string(bit), [&] {
            const std::string path = scene.in("H");
            same(scene.instance.update(path, file("new", "2"), bit), hr::invalid_argument, "PrjUpdateFileIfNeeded");
            same(scene.instance.drop(path, bit), hr::invalid_argument, "PrjDeleteFile");
            same(scene.instance.state(path), "H", "state");
        });
    }
}

void paths(Group &group, Scene &scene) {
    scene.instance.provider.put("d\\virtual", folder());
    scene.instance.provider.put("d\\virtual\\f", file("stored"));
    const struct {
        const char *name;
        const char *path;
        HRESULT expected;
    } cases[] = {
        {"the root", "", hr::invalid_argument},
        {"nowhere", "d\\nowhere", hr::file_not_found},
        {"virtual", "d\\virtual", hr::file_not_found},
        {"in a directory that is nowhere", "d\\nowhere\\f", hr::path_not_found},
        {"in a virtual directory", "d\\virtual\\f", hr::path_not_found},
        {"a separator first", "\\d", hr::invalid_argument},
        {"a separator last", "d\\", hr::invalid_argument},
        {"an empty part", "d\\\\f", hr::invalid_argument},
        {"a part that is .", "d\\.\\f", hr::invalid_argument},
        {"a part that is ..", "d\\..\\f", hr::invalid_argument},
    };
    for (const auto &one : cases) {
        group.test(std::string("path: ") + one.name, [&] {
            scene.instance.provider.clear_records();
            same(scene.instance.update(one.path, file("new", "2"), everything), one.expected, "PrjUpdateFileIfNeeded");
            same(scene.instance.drop(one.path, everything), one.expected, "PrjDeleteFile");
            for (const Record &record : scene.instance.provider.records()) {
                check(record.kind == Kind::notification, "nothing is asked: " + record.text());
            }
        });
    }
    group.test("path: beneath a tombstone", [&] {
        const std::string path = scene.path("T");
        scene.instance.provider.put(path, folder());
        scene.ok({"rmdir", scene.instance.at(path)});
        same(scene.instance.update(path + "\\f", file("new", "2"), everything), hr::path_not_found, "PrjUpdateFileIfNeeded");
        same(scene.instance.drop(path + "\\f", everything), hr::path_not_found, "PrjDeleteFile");
    });
    group.test("path: a part that is too long", [&] {
        const std::string path = "d\\" + std::string(256, 'x');
        same(scene.instance.update(path, file("new", "2"), everything), hr::name_too_long, "PrjUpdateFileIfNeeded");
        same(scene.instance.drop(path, everything), hr::name_too_long, "PrjDeleteFile");
        same(scene.instance.place(path, file("new", "2")), hr::name_too_long, "PrjWritePlaceholderInfo");
    });
    group.test("path: slashes are separators too", [&] {
        const std::string path = scene.in("H");
        same(scene.instance.drop(with_slashes(path), PRJ_UPDATE_NONE), hr::ok, "PrjDeleteFile");
        same(scene.instance.state(path), "none", "state");
    });
}

void updates(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    for (const std::string state : {"P", "H", "DP", "DH"}) {
        group.test("an equal ContentID changes nothing, whatever the flags / " + state, [&] {
            const std::string path = scene.in(state);
            for (const int flags : {0, everything}) {
                auto causes = static_cast<PRJ_UPDATE_FAILURE_CAUSES>(0x55);
                same(instance.update(path, file("something else", "1"), flags, &causes), hr::ok, "result");
                same_number(causes, 0, "causes");
                same(instance.state(path), state, "state");
                same(scene.application({"lstat", instance.at(path)}).value.substr(0, 6), "file 6", "size");
            }
        });
    }
    group.test("only the ContentID decides, all of its 128 bytes", [&] {
        const std::string path = scene.path("P");
        Entry entry = file("stored", std::string(127, 'v') + "1");
        bring_into_state(instance, scene.application, path, "H", entry);
        entry.provider_version = "another";
        same(instance.update(path, entry, 0), hr::ok, "another ProviderID");
        same(instance.state(path), "H", "state: it is equal");
        entry.version.back() = '2';
        same(instance.update(path, entry, 0), hr::ok, "the last byte differs");
        same(instance.state(path), "P", "state: it is not equal");
    });
    group.test("what is new is shown at once: size, times, version, content", [&] {
        const std::string path = scene.in("H");
        scene.ok({"lstat", instance.at(path)});
        Entry entry = file("a longer text", "2");
        entry.written = 133000000000000000;
        entry.provider_version = "q";
        same(instance.update(path, entry, 0), hr::ok, "result");
        instance.provider.put(path, entry);
        const long long seconds = entry.written / 10000000 - 11644473600LL;
        const std::string shown = scene.application({"lstat", instance.at(path)}).value;
        check(shown.starts_with("file 13 "), "size is shown: " + shown);
        check(shown.find(" " + std::to_string(seconds) + ".") != std::string::npos, "time is shown: " + shown);
        instance.provider.clear_records();
        same(scene.read(path), "a longer text", "content");
        const auto fetched = instance.provider.records(Kind::data, path);
        require(fetched.size() == 1, "content is fetched once");
        same(fetched[0].content_id(), "2", "ContentID");
        check(fetched[0].version.ProviderID[0] == 'q', "the ProviderID is replaced too");
    });
    group.test("a dirty file's metadata is the provider's again", [&] {
        const std::string path = scene.in("DH");
        scene.ok({"chmod", instance.at(path), "600"});
        same(instance.update(path, file("new", "2"), PRJ_UPDATE_ALLOW_DIRTY_METADATA), hr::ok, "result");
        const std::string shown = scene.application({"lstat", instance.at(path)}).value;
        check(shown.find(" 600 ") == std::string::npos, "the mode is not the local one: " + shown);
        same(instance.state(path), "P", "state");
    });
    group.test("the parent stays clean, nothing is asked, nothing is told", [&] {
        const std::string parent = scene.path("parent");
        instance.provider.put(parent, folder());
        bring_into_state(instance, scene.application, parent + "\\a", "H");
        bring_into_state(instance, scene.application, parent + "\\b", "H");
        settle(instance, scene.application);
        instance.provider.clear_records();
        same(instance.update(parent + "\\a", file("new", "2"), 0), hr::ok, "PrjUpdateFileIfNeeded");
        same(instance.drop(parent + "\\b", 0), hr::ok, "PrjDeleteFile");
        same(instance.state(parent), "P", "state of the parent");
        settle(instance, scene.application);
        same(joined(instance.provider.trace(parent), "; "), "", "callbacks");
    });
    for (const bool is_update : {true, false}) {
        group.test(std::string("open handles keep what they had / ") + (is_update ? "update" : "delete"), [&] {
            const std::string path = scene.in("H");
            scene.ok({"open", "old", "r", instance.at(path)});
            const HRESULT result = is_update ? instance.update(path, file("newer", "2"), 0) : instance.drop(path, 0);
            same(result, hr::ok, "it does not fail for being open");
            instance.provider.put(path, file("newer", "2"));
            same(scene.application({"get", "old", "0", "100"}).value, "stored", "content of the old handle");
            same(scene.read(path), "newer", "content of a new handle");
            same(scene.application({"get", "old", "0", "100"}).value, "stored", "content of the old handle, later");
            scene.ok({"close", "old"});
        });
    }
    group.test("a file that somebody writes to is replaced if that is allowed, and he keeps his", [&] {
        const std::string path = scene.in("F");
        scene.ok({"open", "old", "rw", instance.at(path)});
        scene.ok({"put", "old", "0", "CHANGED"});
        same(instance.update(path, file("newer", "2"), PRJ_UPDATE_ALLOW_DIRTY_DATA), hr::ok, "result");
        instance.provider.put(path, file("newer", "2"));
        scene.ok({"put", "old", "0", "AGAIN!!"});
        same(scene.application({"get", "old", "0", "100"}).value, "AGAIN!!", "content of the old handle");
        same(scene.read(path), "newer", "content of a new handle");
        scene.ok({"close", "old"});
        same(instance.state(path), "H", "state");
    });
    group.test("an update while content is fetched never mixes old and new", [&] {
        const std::string path = scene.in("P", file(std::string(100000, 'o')));
        std::promise<Record> asked;
        std::atomic<bool> first{true};
        instance.provider.hook(Kind::data, path, [&](Record &record) -> std::optional<HRESULT> {
            if (first.exchange(false)) {
                asked.set_value(record);
                return hr::io_pending;
            }
            return std::nullopt;
        });
        Application reader;
        reader.begin({"read", instance.at(path)});
        auto arrived = asked.get_future();
        require(arrived.wait_for(std::chrono::seconds(settings.patience)) == std::future_status::ready, "content is asked for");
        const Record record = arrived.get();
        instance.provider.put(path, file(std::string(100000, 'n'), "2"));
        HRESULT updated = hr::internal_error;
        std::thread updater([&] { updated = instance.update(path, file(std::string(100000, 'n'), "2"), 0); });
        // Either it waits for the content, or it cancels; so half of it is delivered before, and half after.
        std::string half(50000, 'o');
        PrjWriteFileData(instance.context(), &record.stream, half.data(), 0, 50000);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        PrjWriteFileData(instance.context(), &record.stream, half.data(), 50000, 50000);
        instance.complete(record, hr::ok);
        updater.join();
        same(updated, hr::ok, "PrjUpdateFileIfNeeded");
        const Outcome outcome = reader.end();
        check(outcome.error != 0 || outcome.value == std::string(100000, 'o') || outcome.value == std::string(100000, 'n'),
              "the reader gets one content whole, or an error");
        instance.provider.clear_hooks();
        check(scene.read(path) == std::string(100000, 'n'), "then there is the new content");
    });
    group.test("symbolic links are updated and deleted", [&] {
        const std::string path = scene.path("link");
        Entry link;
        link.target = "target-1";
        instance.provider.put(path, link);
        same(scene.application({"readlink", instance.at(path)}).value, "target-1", "target");
        link.version = "2";
        link.target = "target-2";
        same(instance.update(path, link, 0), hr::ok, "PrjUpdateFileIfNeeded");
        instance.provider.put(path, link);
        if (scene.application({"readlink", instance.at(path)}).error == 0) {
            same(scene.application({"readlink", instance.at(path)}).value, "target-2", "new target");
        } else {
            group.found("PrjUpdateFileIfNeeded cannot say a target: the link becomes a file");
        }
        same(instance.drop(path, everything), hr::ok, "PrjDeleteFile");
        same(scene.application({"readlink", instance.at(path)}).value, "target-2", "target when it is virtual again");
    });
    group.test("the size of the structure is checked", [&] {
        const std::string path = scene.in("H");
        PlaceholderInfo info(file("new", "2"));
        for (const uint32_t size : {0u, 336u, 343u}) {
            same(PrjUpdateFileIfNeeded(instance.context(), wide(path).c_str(), info.get(), size, PRJ_UPDATE_NONE, nullptr),
                 hr::insufficient_buffer, "size " + std::to_string(size));
        }
        same(PrjUpdateFileIfNeeded(instance.context(), wide(path).c_str(), nullptr, info.size(), PRJ_UPDATE_NONE, nullptr),
             hr::invalid_argument, "no structure");
        same(instance.state(path), "H", "state");
    });
}

void deletions(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    group.test("a deleted name that the store has is virtual again: listed, asked for, fetched", [&] {
        const std::string path = scene.in("H");
        same(instance.drop(path, 0), hr::ok, "PrjDeleteFile");
        check(scene.listed(path), "it is listed");
        instance.provider.clear_records();
        same(scene.read(path), "stored", "content");
        same_number(static_cast<long long>(scene.asked(path)), 1, "asked for");
    });
    group.test("a deleted name that the store does not have is gone, and listed no more", [&] {
        const std::string path = scene.in("H");
        check(scene.listed(path), "it was listed");
        instance.provider.remove(path);
        same(instance.drop(path, 0), hr::ok, "PrjDeleteFile");
        same(scene.application({"lstat", instance.at(path)}).text(), "ENOENT", "looking it up");
        check(!scene.listed(path), "it is not listed");
    });
    group.test("a tombstone that is deleted makes the name appear", [&] {
        const std::string path = scene.in("T");
        check(!scene.listed(path), "it was not listed");
        same(instance.drop(path, PRJ_UPDATE_ALLOW_TOMBSTONE), hr::ok, "PrjDeleteFile");
        check(scene.listed(path), "it is listed");
        same(scene.read(path), "stored", "content");
    });
    group.test("a directory's tombstone that is deleted makes what was in it appear", [&] {
        const std::string path = scene.path("tree");
        instance.provider.put(path, folder());
        instance.provider.put(path + "\\f", file("stored"));
        scene.ok({"unlink", instance.at(path + "\\f")});
        scene.ok({"rmdir", instance.at(path)});
        const int flags = PRJ_UPDATE_ALLOW_DIRTY_METADATA | PRJ_UPDATE_ALLOW_TOMBSTONE | PRJ_UPDATE_ALLOW_READ_ONLY;
        same(instance.drop(path, flags), hr::ok, "PrjDeleteFile");
        same(scene.read(path + "\\f"), "stored", "content of what was in it");
    });
    group.test("disk space of a hydrated file is freed", [&] {
        const std::string path = scene.in("H", file(std::string(1 << 20, 'x')));
        same(instance.drop(path, PRJ_UPDATE_NONE), hr::ok, "PrjDeleteFile");
        same(instance.state(path), "none", "state");
    });
}

void placing(Group &group, Scene &scene) {
    Instance &instance = scene.instance;
    group.test("a placeholder is placed before anybody asks, and listed at once", [&] {
        const std::string path = scene.path("placed");
        scene.listed(path);
        same(instance.place(path, file("placed", "2")), hr::ok, "PrjWritePlaceholderInfo");
        instance.provider.clear_records();
        check(scene.listed(path), "it is listed");
        check(scene.application({"lstat", instance.at(path)}).value.starts_with("file 6 "), "its size is shown");
        same_number(static_cast<long long>(scene.asked(path)), 0, "asked for");
        same(instance.state(path), "P", "state");
    });
    group.test("placed twice", [&] {
        const std::string path = scene.path("placed");
        same(instance.place(path, file("placed")), hr::ok, "the first time");
        one_of(instance.place(path, file("placed")), {hr::already_exists, hr::file_exists}, "the second time");
    });
    group.test("a symbolic link and a directory are placed", [&] {
        const std::string dir = scene.path("placed");
        same(instance.place(dir, folder()), hr::ok, "a directory");
        Entry link;
        link.target = "f";
        same(instance.place(dir + "\\link", link), hr::ok, "a link in it");
        same(scene.application({"readlink", instance.at(dir + "\\link")}).value, "f", "target");
    });
    group.test("placed where the parent is not on disk: refused, or the parents are made", [&] {
        const std::string dir = scene.path("virtual");
        instance.provider.put(dir, folder());
        instance.provider.put(dir + "\\f", file("placed"));
        const HRESULT result = instance.place(dir + "\\f", file("placed"));
        one_of(result, {hr::ok, hr::path_not_found}, "PrjWritePlaceholderInfo");
        same(instance.state(dir), result == hr::ok ? "P" : "none", "state of the parent");
        group.found(result == hr::ok ? "parents are made" : "the parent must be on disk");
        one_of(instance.place("d\\nowhere\\f", file("placed")), {hr::path_not_found, hr::file_not_found},
               "a parent that is nowhere");
    });
    group.test("placed in a full directory", [&] {
        const std::string dir = scene.path("full");
        scene.ok({"mkdir", instance.at(dir)});
        const HRESULT result = instance.place(dir + "\\f", file("placed"));
        group.found("PrjWritePlaceholderInfo in a full directory: " + show(result));
        check(result == hr::ok || instance.state(dir + "\\f") == "none", "refused, nothing is there");
    });
}

// A whole tree becomes another one, as a source that switches branches does it.
void whole_view(Group &group, Scene &scene) {
    group.test("a tree is switched to another view, depth first, and is exactly that then", [&] {
        Instance &instance = scene.instance;
        const std::string top = scene.path("tree");
        const auto view = [&](int branch) {
            View tree;
            for (int d = 0; d < 6; d++) {
                const std::string dir = top + "\\dir" + std::to_string(d);
                if ((d + branch) % 3 == 0) {
                    continue;
                }
                tree[dir] = folder(std::to_string(branch));
                for (int f = 0; f < 8; f++) {
                    const bool common = f < 3;
                    if (!common && (f + branch) % 2 == 0) {
                        continue;
                    }
                    const bool unchanged = f == 0;
                    const std::string text = "file " + std::to_string(f) + (unchanged ? "" : " of " + std::to_string(branch));
                    tree[dir + "\\f" + std::to_string(f)] = file(text, unchanged ? "same" : std::to_string(branch));
                }
            }
            return tree;
        };
        const auto set = [&](const View &tree) {
            instance.provider.remove(top);
            instance.provider.put(top, folder());
            for (const auto &[path, entry] : tree) {
                instance.provider.put(path, entry);
            }
        };
        const View old_view = view(0);
        const View new_view = view(1);
        set(old_view);
        // Something of everything is on disk: looked up, read, and virtual.
        std::vector<std::string> on_disk;
        int i = 0;
        for (const auto &[path, entry] : old_view) {
            if (entry.directory || i++ % 3 != 0) {
                scene.ok({entry.directory || i % 2 == 0 ? "lstat" : "read", instance.at(path)});
            }
            if (instance.state(path) != "none") {
                on_disk.push_back(path);
            }
        }
        set(new_view);
        std::sort(on_disk.rbegin(), on_disk.rend());
        for (const std::string &path : on_disk) {
            const auto now = new_view.find(path);
            const HRESULT result =
                now == new_view.end() || now->second.directory ? instance.drop(path, 0) : instance.update(path, now->second, 0);
            const bool inhabited = now != new_view.end() && now->second.directory && result == hr::directory_not_empty;
            check(result == hr::ok || inhabited, path + ": " + show(result));
        }
        require_ok(PrjClearNegativePathCache(instance.context(), nullptr), "PrjClearNegativePathCache");

        std::set<std::string> seen;
        const Outcome dirs = scene.application({"list", instance.at(top)});
        for (const auto &[path, entry] : new_view) {
            if (entry.directory) {
                check(("/" + dirs.value + "/").find("/" + path.substr(top.size() + 1) + "/") != std::string::npos,
                      path + " is listed");
                std::vector<std::string> names;
                std::vector<std::string> expected;
                const Outcome listed = scene.application({"list", instance.at(path)});
                for (const auto &[child, unused] : new_view) {
                    (void)unused;
                    if (child.starts_with(path + "\\")) {
                        expected.push_back(child.substr(path.size() + 1));
                    }
                }
                size_t from = 0;
                while (from < listed.value.size()) {
                    const size_t slash = std::min(listed.value.find('/', from), listed.value.size());
                    names.push_back(listed.value.substr(from, slash - from));
                    from = slash + 1;
                }
                std::sort(names.begin(), names.end());
                std::sort(expected.begin(), expected.end());
                same(joined(names, " "), joined(expected, " "), "names in " + path);
            } else {
                same(scene.read(path), entry.content, "content of " + path);
            }
        }
        for (const auto &[path, entry] : old_view) {
            (void)entry;
            if (!new_view.contains(path)) {
                same(scene.application({"lstat", instance.at(path)}).text(), "ENOENT", path + " of the old view");
            }
        }
    });
}

void absent_names(Group &group) {
    const auto count = [](Scene &scene) {
        UINT32 total = 12345;
        require_ok(PrjClearNegativePathCache(scene.instance.context(), &total), "PrjClearNegativePathCache");
        return static_cast<long long>(total);
    };
    group.test("without the negative path cache an absent name is asked for each time", [&] {
        Scene scene;
        for (int i = 1; i <= 3; i++) {
            scene.application({"lstat", scene.instance.at("d\\absent")});
            same_number(static_cast<long long>(scene.asked("d\\absent")), i, "asked for");
        }
        same_number(count(scene), 0, "entries");
        same(PrjClearNegativePathCache(scene.instance.context(), nullptr), hr::ok, "without a count");
        scene.instance.provider.put("d\\absent", file("now"));
        same(scene.read("d\\absent"), "now", "what the store has by now");
    });
    group.test("with it an absent name is asked for once, until it is cleared", [&] {
        Scene scene(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        count(scene);
        for (int i = 0; i < 3; i++) {
            same(scene.application({"lstat", scene.instance.at("d\\absent")}).text(), "ENOENT", "looking it up");
        }
        same_number(static_cast<long long>(scene.asked("d\\absent")), 1, "asked for");
        scene.instance.provider.put("d\\absent", file("now"));
        check(scene.listed("d\\absent"), "a listing is not affected");
        same(scene.application({"lstat", scene.instance.at("d\\absent")}).text(), "ENOENT", "it is remembered");
        same_number(count(scene), 1, "entries");
        same(scene.read("d\\absent"), "now", "after it was cleared");
        same_number(count(scene), 0, "entries afterwards");
    });
    group.test("the count is that of the entries", [&] {
        Scene scene(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        count(scene);
        for (int i = 0; i < 20; i++) {
            scene.application({"lstat", scene.instance.at("d\\absent-" + std::to_string(i))});
        }
        same_number(count(scene), 20, "entries");
    });
    group.test("only \"not found\" is remembered", [&] {
        Scene scene(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        scene.instance.provider.hook(Kind::info, "d\\denied", [](Record &) { return hr::access_denied; });
        for (int i = 1; i <= 2; i++) {
            same(scene.application({"lstat", scene.instance.at("d\\denied")}).text(), "EACCES", "looking it up");
            same_number(static_cast<long long>(scene.asked("d\\denied")), i, "asked for");
        }
    });
    group.test("a file that is created is found; what is created on a remembered name is not asked for", [&] {
        Scene scene(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        scene.application({"lstat", scene.instance.at("d\\absent")});
        scene.ok({"create", scene.instance.at("d\\absent"), "mine"});
        same_number(static_cast<long long>(scene.asked("d\\absent")), 1, "asked for");
        same(scene.read("d\\absent"), "mine", "content");
        scene.application({"lstat", scene.instance.at("d\\target")});
        scene.ok({"rename", scene.instance.at("d\\absent"), scene.instance.at("d\\target")});
        same(scene.read("d\\target"), "mine", "content of what was renamed to a remembered name");
    });
    group.test("a placeholder that is placed is found", [&] {
        Scene scene(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        same(scene.application({"lstat", scene.instance.at("d\\absent")}).text(), "ENOENT", "before");
        scene.instance.provider.put("d\\absent", file("placed"));
        same(scene.instance.place("d\\absent", file("placed")), hr::ok, "PrjWritePlaceholderInfo");
        same(scene.read("d\\absent"), "placed", "content");
    });
    group.test("an answer that was begun before the clear is not remembered after it", [&] {
        Scene scene(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        std::promise<Record> asked;
        std::atomic<bool> first{true};
        scene.instance.provider.hook(Kind::info, "d\\late", [&](Record &record) -> std::optional<HRESULT> {
            if (first.exchange(false)) {
                asked.set_value(record);
                return hr::io_pending;
            }
            return std::nullopt;
        });
        Application other;
        other.begin({"lstat", scene.instance.at("d\\late")});
        auto arrived = asked.get_future();
        require(arrived.wait_for(std::chrono::seconds(settings.patience)) == std::future_status::ready, "it is asked for");
        const Record record = arrived.get();
        scene.instance.provider.put("d\\late", file("now"));
        count(scene);
        same(scene.instance.complete(record, hr::file_not_found), hr::ok, "PrjCompleteCommand");
        other.end();
        same(scene.read("d\\late"), "now", "what is there afterwards");
    });
    group.test("it starts empty", [&] {
        Scene scene(PRJ_FLAG_USE_NEGATIVE_PATH_CACHE);
        scene.application({"lstat", scene.instance.at("d\\absent")});
        scene.instance.stop();
        scene.instance.provider.put("d\\absent", file("now"));
        Instance::Options options;
        options.flags = PRJ_FLAG_USE_NEGATIVE_PATH_CACHE;
        scene.instance.start(options);
        same(scene.read("d\\absent"), "now", "after a restart");
    });
}

}  // namespace

void view_changes(Group &group) {
    {
        Scene scene;
        flags_and_causes(group, scene);
        paths(group, scene);
        updates(group, scene);
        deletions(group, scene);
        placing(group, scene);
        whole_view(group, scene);
        group.not_applicable("an item that is open without sharing", "Linux has no sharing modes; opens never conflict");
        group.not_applicable("reparse points of another kind", "Linux has none");
    }
    absent_names(group);
}
