// Content: which ranges are asked for, how it is delivered, and what becomes of what is not.
#include "../groups.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <unistd.h>

namespace {

std::string pattern(size_t length, unsigned seed = 1) {
    std::string text(length, '\0');
    for (char &c : text) {
        seed = seed * 1103515245 + 12345;
        c = static_cast<char>('a' + (seed >> 16) % 26);
    }
    return text;
}

struct Scene {
    Scene() : instance("data") {
        Instance::Options options;
        options.notifications = false;
        instance.start(options);
    }

    std::string add(const Entry &entry) {
        const std::string path = "f" + std::to_string(next_++);
        instance.provider.put(path, entry);
        return path;
    }

    void on_data(const std::string &path, std::function<HRESULT(Record &)> answer) {
        instance.provider.hook(Kind::data, path, [answer = std::move(answer)](Record &record) -> std::optional<HRESULT> {
            return answer(record);
        });
    }

    static HRESULT write(const Record &record, const std::string &content, uint64_t from, uint64_t to) {
        return PrjWriteFileData(record.context, &record.stream, const_cast<char *>(content.data()) + from, from,
                                static_cast<uint32_t>(to - from));
    }

    std::string read(const std::string &path) {
        const Outcome outcome = application({"read", instance.at(path)});
        return outcome.error == 0 ? outcome.value : outcome.text();
    }

    void expect(const std::string &path, const std::string &content) {
        const std::string seen = read(path);
        check(seen == content, "content of " + std::to_string(content.size()) + " bytes; seen " + std::to_string(seen.size()) +
                                   " bytes: " + seen.substr(0, 40));
        same(instance.state(path), "H", "state");
    }

    Instance instance;
    Application application;

  private:
    int next_ = 0;
};

}  // namespace

void file_data(Group &group) {
    Scene scene;
    Instance &instance = scene.instance;
    for (const size_t size : {size_t{1}, size_t{511}, size_t{4096}, size_t{100000}, size_t{3} << 20}) {
        group.test("a file of " + std::to_string(size) + " bytes is asked for whole, once", [&] {
            const std::string content = pattern(size);
            const std::string path = scene.add(file(content));
            scene.expect(path, content);
            const auto asked = instance.provider.records(Kind::data, path);
            require(asked.size() == 1, "one callback");
            same_number(static_cast<long long>(asked[0].offset), 0, "offset");
            same_number(asked[0].length, static_cast<long long>(size), "length");
            scene.expect(path, content);
            same_number(static_cast<long long>(instance.provider.records(Kind::data, path).size()), 1, "callbacks after two reads");
        });
    }
    group.test("a large file is asked for in ranges that fit together", [&] {
        const std::string content = pattern(40 << 20);
        const std::string path = scene.add(file(content));
        same(scene.application({"sum", instance.at(path)}).text(), "ok", "reading");
        auto asked = instance.provider.records(Kind::data, path);
        std::sort(asked.begin(), asked.end(), [](const Record &a, const Record &b) { return a.offset < b.offset; });
        uint64_t end = 0;
        for (const Record &record : asked) {
            check(record.offset <= end, "no gap at " + std::to_string(end));
            check(record.length > 0, "no empty range");
            check(record.offset % 4096 == 0, "an aligned offset");
            end = std::max(end, record.offset + record.length);
        }
        same_number(static_cast<long long>(end), 40 << 20, "end of the last range");
        same(instance.state(path), "H", "state");
    });
    group.test("a file of no size is not asked for", [&] {
        const std::string path = scene.add(file(""));
        same(scene.read(path), "", "content");
        check(instance.provider.records(Kind::data, path).empty(), "callbacks");
    });

    const std::string content = pattern(100000);
    const auto delivered = [&](const std::string &how, const std::function<HRESULT(Record &)> &answer) {
        group.test("delivered " + how, [&, answer] {
            const std::string path = scene.add(file(content));
            scene.on_data(path, answer);
            scene.expect(path, content);
            instance.provider.clear_hooks();
        });
    };
    delivered("in small pieces", [&](Record &record) {
        for (uint64_t from = 0; from < content.size(); from += 999) {
            same(Scene::write(record, content, from, std::min<uint64_t>(from + 999, content.size())), hr::ok, "a piece");
        }
        return hr::ok;
    });
    delivered("from the end to the beginning", [&](Record &record) {
        for (uint64_t to = content.size(); to > 0;) {
            const uint64_t from = to > 7000 ? to - 7000 : 0;
            same(Scene::write(record, content, from, to), hr::ok, "a piece");
            to = from;
        }
        return hr::ok;
    });
    delivered("twice, overlapping: the last bytes win", [&](Record &record) {
        const std::string wrong(content.size(), '?');
        same(Scene::write(record, wrong, 0, 60000), hr::ok, "wrong bytes");
        same(Scene::write(record, content, 0, 50000), hr::ok, "right bytes");
        same(Scene::write(record, wrong, 70000, 100000), hr::ok, "wrong bytes");
        same(Scene::write(record, content, 40000, 100000), hr::ok, "right bytes");
        return hr::ok;
    });
    delivered("by four threads at once", [&](Record &record) {
        std::vector<std::thread> threads;
        for (uint64_t t = 0; t < 4; t++) {
            threads.emplace_back([&, t] {
                for (uint64_t from = t * 1000; from < content.size(); from += 4000) {
                    same(Scene::write(record, content, from, std::min<uint64_t>(from + 1000, content.size())), hr::ok, "a piece");
                }
            });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        return hr::ok;
    });
    delivered("from an aligned buffer, which is freed before the answer", [&](Record &record) {
        void *buffer = PrjAllocateAlignedBuffer(record.context, content.size());
        std::memcpy(buffer, content.data(), content.size());
        const HRESULT result =
            PrjWriteFileData(record.context, &record.stream, buffer, 0, static_cast<uint32_t>(content.size()));
        std::memset(buffer, 0, content.size());
        PrjFreeAlignedBuffer(buffer);
        return result;
    });

    const auto short_of = [&](const std::string &what, const std::function<void(Record &)> &deliver) {
        group.test("S_OK without " + what + ": EIO, and still a placeholder", [&, deliver] {
            const std::string path = scene.add(file(content));
            scene.on_data(path, [&](Record &record) {
                deliver(record);
                return hr::ok;
            });
            same(scene.read(path), "EIO", "reading");
            same(instance.state(path), "P", "state");
            same(scene.application({"write", instance.at(path), "x"}).text(), "EIO", "opening for writing");
            same(instance.state(path), "P", "state");
            instance.provider.clear_hooks();
            scene.expect(path, content);
        });
    };
    short_of("anything", [](Record &) {});
    short_of("the last byte", [&](Record &record) { Scene::write(record, content, 0, content.size() - 1); });
    short_of("the first byte", [&](Record &record) { Scene::write(record, content, 1, content.size()); });
    short_of("a byte in the middle", [&](Record &record) {
        Scene::write(record, content, 0, 50000);
        Scene::write(record, content, 50001, content.size());
    });
    for (const HRESULT error : {hr::access_denied, hr::handle, hr::disk_full}) {
        group.test("part of it, then " + show(error) + ": still a placeholder, and asked for whole again", [&] {
            const std::string path = scene.add(file(content));
            const std::string wrong(content.size(), '?');
            scene.on_data(path, [&](Record &record) {
                Scene::write(record, wrong, 0, 70000);
                return error;
            });
            check(scene.application({"read", instance.at(path)}).error != 0, "reading fails");
            same(instance.state(path), "P", "state");
            instance.provider.clear_hooks();
            instance.provider.clear_records();
            scene.expect(path, content);
            const auto asked = instance.provider.records(Kind::data, path);
            check(asked.size() == 1 && asked[0].offset == 0 && asked[0].length == content.size(), "the whole range");
        });
    }
    group.test("PrjWriteFileData, arguments that are wrong", [&] {
        const std::string path = scene.add(file(content));
        scene.on_data(path, [&](Record &record) {
            char byte = 'x';
            const auto call = [&](const char *what, void *buffer, uint64_t offset, uint32_t length) {
                same(PrjWriteFileData(record.context, &record.stream, buffer, offset, length), hr::invalid_argument, what);
            };
            call("no buffer", nullptr, 0, 1);
            call("no length", &byte, 0, 0);
            same(PrjWriteFileData(record.context, nullptr, &byte, 0, 1), hr::invalid_argument, "no stream");
            return Scene::write(record, content, 0, content.size());
        });
        scene.expect(path, content);
        instance.provider.clear_hooks();
    });
    // A provider that has more bytes than the placeholder promised contradicts itself: the file may fail for it, if it
    // stays a placeholder.
    for (const auto &[what, offset] : {std::pair{"an offset behind the end", uint64_t{100001}},
                                       std::pair{"an end behind the end", uint64_t{100000}},
                                       std::pair{"a range that wraps", UINT64_MAX},
                                       std::pair{"a large offset", uint64_t{1} << 63}}) {
        group.test(std::string("PrjWriteFileData, ") + what, [&, offset = offset] {
            const std::string path = scene.add(file(content));
            std::atomic<HRESULT> refused{hr::ok};
            scene.on_data(path, [&](Record &record) {
                char byte = 'x';
                refused = PrjWriteFileData(record.context, &record.stream, &byte, offset, 1);
                return Scene::write(record, content, 0, content.size());
            });
            const Outcome outcome = scene.application({"read", instance.at(path)});
            instance.provider.clear_hooks();
            same(refused, hr::invalid_argument, "result");
            one_of(outcome.text(), {"ok", "EIO"}, "reading");
            check(outcome.error != 0 || outcome.value == content, "content");
            same(instance.state(path), outcome.error == 0 ? "H" : "P", "state");
            scene.expect(path, content);
        });
    }
    group.test("PrjWriteFileData after the answer", [&] {
        const std::string path = scene.add(file(content));
        scene.expect(path, content);
        const auto asked = instance.provider.records(Kind::data, path);
        require(!asked.empty(), "a callback");
        same(Scene::write(asked[0], std::string(content.size(), '?'), 0, 10), hr::handle, "result");
        scene.expect(path, content);
    });
    group.test("ten readers of a virtual file: one asks", [&] {
        const std::string path = scene.add(file(content));
        std::atomic<bool> go{false};
        instance.provider.hook(Kind::data, path, [&](Record &) -> std::optional<HRESULT> {
            while (!go) {
                usleep(1000);
            }
            return std::nullopt;
        });
        std::vector<std::unique_ptr<Application>> many;
        for (int i = 0; i < 10; i++) {
            many.push_back(std::make_unique<Application>());
            many.back()->begin({"read", instance.at(path)});
        }
        instance.provider.wait_for(Kind::data, path);
        usleep(50000);
        go = true;
        for (auto &one : many) {
            check(one->end().value == content, "content");
        }
        same_number(static_cast<long long>(instance.provider.records(Kind::data, path).size()), 1, "callbacks");
        instance.provider.clear_hooks();
    });
    group.test("ten writers of a virtual file, and of ten files", [&] {
        for (const bool one_file : {true, false}) {
            std::vector<std::string> paths;
            std::vector<std::unique_ptr<Application>> many;
            for (int i = 0; i < 10; i++) {
                if (paths.empty() || !one_file) {
                    paths.push_back(scene.add(file(content)));
                }
                many.push_back(std::make_unique<Application>());
                many.back()->begin({"append", instance.at(paths.back()), "+"});
            }
            for (auto &one : many) {
                same(one->end().text(), "ok", "appending");
            }
            for (const std::string &path : paths) {
                check(scene.read(path) == content + std::string(one_file ? 10 : 1, '+'), "content");
                same(instance.state(path), "F", "state");
            }
        }
    });
    group.test("two readers and one who truncates, at once", [&] {
        for (int round = 0; round < 10; round++) {
            const std::string path = scene.add(file(content));
            Application first;
            Application second;
            Application third;
            first.begin({"read", instance.at(path)});
            third.begin({"overwrite", instance.at(path), "new"});
            second.begin({"read", instance.at(path)});
            for (Application *reader : {&first, &second}) {
                const Outcome outcome = reader->end();
                same(outcome.text(), "ok", "reading");
                check(outcome.value == content || outcome.value.empty() || outcome.value == "new" ||
                          (outcome.value.size() <= content.size() && content.starts_with(outcome.value)),
                      "content is the old, the new, or none: " + outcome.value.substr(0, 20));
            }
            same(third.end().text(), "ok", "truncating");
            same(scene.read(path), "new", "content in the end");
            same(instance.state(path), "F", "state");
        }
    });
    group.test("mapped and executed content is fetched", [&] {
        const std::string path = scene.add(file(content));
        check(scene.application({"mapread", instance.at(path), "100000"}).value == content, "mapped");
    });
    group.test("ranges of a file of 5 GiB have 32 bits, and offsets have 64", [&] {
        Entry large = file("begin");
        large.size = 5LL << 30;
        const std::string path = scene.add(large);
        std::atomic<HRESULT> far{hr::internal_error};
        std::atomic<HRESULT> beyond{hr::internal_error};
        std::mutex lock;
        std::optional<Record> first;
        scene.on_data(path, [&](Record &record) {
            const std::lock_guard guard(lock);
            first = record;
            char bytes[4096] = {};
            far = PrjWriteFileData(record.context, &record.stream, bytes, (9ULL << 30) / 2, sizeof bytes);
            beyond = PrjWriteFileData(record.context, &record.stream, bytes, 5ULL << 30, sizeof bytes);
            return hr::access_denied;
        });
        check(scene.application({"lstat", instance.at(path)}).value.starts_with("file 5368709120 "), "size");
        same(scene.application({"sum", instance.at(path)}).text(), "EACCES", "reading");
        instance.provider.clear_hooks();
        const std::lock_guard guard(lock);
        require(first.has_value(), "a callback");
        check(first->length > 0 && first->offset % 4096 == 0, "a range: " + first->text());
        one_of(far, {hr::ok, hr::invalid_argument}, "writing at 4.5 GiB");
        group.found("PrjWriteFileData behind the range that was asked for: " + show(far));
        same(beyond, hr::invalid_argument, "writing behind the end");
        same(instance.state(path), "P", "state");
    });
    if (settings.large) {
        group.test("a file of 5 GiB is delivered", [&] {
            Entry large = file("begin");
            large.size = 5LL << 30;
            const std::string path = scene.add(large);
            const unsigned patience = settings.patience;
            settings.patience = 600;
            const Outcome outcome = scene.application({"sum", instance.at(path)});
            settings.patience = patience;
            same(outcome.value.substr(0, 10), "5368709120", "size that was read");
            same(instance.state(path), "H", "state");
            for (const Record &record : instance.provider.records(Kind::data, path)) {
                check(record.length <= 1U << 30, "ranges of at most 1 GiB");
            }
        });
    } else {
        group.not_applicable("a file of 5 GiB is delivered", "takes as much of the disk: --large");
    }
}
