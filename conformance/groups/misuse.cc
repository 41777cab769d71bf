// Handles that are nothing, not any more, or somebody else's; sizes and pointers that are wrong. Nothing crashes.
#include "../groups.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>

namespace {

struct Context {
    const char *name;
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT value;
};

}  // namespace

void misuse(Group &group) {
    Instance instance("misuse");
    instance.provider.put("f", file("stored"));
    instance.start();
    Application application;
    Instance stopped("stopped");
    stopped.start();
    const PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT stale = stopped.context();
    stopped.stop();

    static int ours = 0;
    const Context contexts[] = {
        {"NULL", nullptr},
        {"of a stopped instance", stale},
        {"that never was one", reinterpret_cast<PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT>(&ours)},
        {"made up", reinterpret_cast<PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT>(static_cast<uintptr_t>(0x123456789))},
    };
    PlaceholderInfo info(file("new"));
    const WideString name = wide("f");
    for (const Context &context : contexts) {
        const auto call = [&](const char *function, const std::function<HRESULT()> &body) {
            group.test(std::string(function) + ", a context " + context.name, [&] { same(body(), hr::handle, "result"); });
        };
        call("PrjGetVirtualizationInstanceInfo", [&] {
            PRJ_VIRTUALIZATION_INSTANCE_INFO out;
            memset(&out, 0x5A, sizeof out);
            const HRESULT result = PrjGetVirtualizationInstanceInfo(context.value, &out);
            check(out.WriteAlignment == 0x5A5A5A5A, "what is given is untouched");
            return result;
        });
        call("PrjClearNegativePathCache", [&] {
            UINT32 total = 7;
            const HRESULT result = PrjClearNegativePathCache(context.value, &total);
            same_number(total, 7, "what is given is untouched");
            return result;
        });
        call("PrjWritePlaceholderInfo",
             [&] { return PrjWritePlaceholderInfo(context.value, name.c_str(), info.get(), info.size()); });
        call("PrjWritePlaceholderInfo2",
             [&] { return PrjWritePlaceholderInfo2(context.value, name.c_str(), info.get(), info.size(), nullptr); });
        call("PrjUpdateFileIfNeeded", [&] {
            return PrjUpdateFileIfNeeded(context.value, name.c_str(), info.get(), info.size(), PRJ_UPDATE_NONE, nullptr);
        });
        call("PrjDeleteFile", [&] { return PrjDeleteFile(context.value, name.c_str(), PRJ_UPDATE_NONE, nullptr); });
        call("PrjWriteFileData", [&] {
            const GUID stream = fresh_guid();
            char text[] = "text";
            return PrjWriteFileData(context.value, &stream, text, 0, 4);
        });
        call("PrjCompleteCommand", [&] { return PrjCompleteCommand(context.value, 1, hr::ok, nullptr); });
        group.test(std::string("PrjStopVirtualizing, a context ") + context.name,
                   [&] { PrjStopVirtualizing(context.value); });
        group.test(std::string("PrjAllocateAlignedBuffer, a context ") + context.name, [&] {
            check(PrjAllocateAlignedBuffer(context.value, 4096) == nullptr, "there is no buffer");
        });
    }

    group.test("null pointers", [&] {
        const auto context = instance.context();
        const GUID stream = fresh_guid();
        char text[] = "text";
        same(PrjGetVirtualizationInstanceInfo(context, nullptr), hr::invalid_argument, "PrjGetVirtualizationInstanceInfo");
        same(PrjWritePlaceholderInfo(context, nullptr, info.get(), info.size()), hr::invalid_argument,
             "PrjWritePlaceholderInfo without a name");
        same(PrjWritePlaceholderInfo(context, name.c_str(), nullptr, info.size()), hr::invalid_argument,
             "PrjWritePlaceholderInfo without a structure");
        same(PrjUpdateFileIfNeeded(context, nullptr, info.get(), info.size(), PRJ_UPDATE_NONE, nullptr), hr::invalid_argument,
             "PrjUpdateFileIfNeeded without a name");
        same(PrjDeleteFile(context, nullptr, PRJ_UPDATE_NONE, nullptr), hr::invalid_argument, "PrjDeleteFile without a name");
        one_of(PrjWriteFileData(context, nullptr, text, 0, 4), {hr::invalid_argument, hr::handle},
               "PrjWriteFileData without a stream");
        one_of(PrjWriteFileData(context, &stream, nullptr, 0, 4), {hr::invalid_argument, hr::handle},
               "PrjWriteFileData without a buffer");
        PRJ_FILE_STATE state;
        same(PrjGetOnDiskFileState(nullptr, &state), hr::invalid_argument, "PrjGetOnDiskFileState without a path");
        same(PrjGetOnDiskFileState(wide(instance.root()).c_str(), nullptr), hr::invalid_argument,
             "PrjGetOnDiskFileState without a place for the state");
        one_of(PrjFillDirEntryBuffer(nullptr, nullptr, nullptr), {hr::invalid_argument, hr::handle}, "PrjFillDirEntryBuffer");
        one_of(PrjFillDirEntryBuffer2(nullptr, nullptr, nullptr, nullptr), {hr::invalid_argument, hr::handle},
               "PrjFillDirEntryBuffer2");
        PrjFreeAlignedBuffer(nullptr);
        check(PrjFileNameMatch(nullptr, nullptr) == 0, "PrjFileNameMatch");
        check(PrjDoesNameContainWildCards(nullptr) == 0, "PrjDoesNameContainWildCards");
    });
    group.test("a stream that is none", [&] {
        const GUID stream = fresh_guid();
        char text[] = "text";
        same(PrjWriteFileData(instance.context(), &stream, text, 0, 4), hr::handle, "PrjWriteFileData");
    });
    group.test("a command that is none", [&] {
        for (const INT32 id : {0, 1, -1, 0x7FFFFFFF}) {
            same(PrjCompleteCommand(instance.context(), id, hr::ok, nullptr), hr::invalid_argument,
                 "command " + std::to_string(id));
        }
    });
    group.test("a buffer for entries that is none, or not any more", [&] {
        PRJ_FILE_BASIC_INFO basic = basic_info(file("x"));
        const auto made_up = reinterpret_cast<PRJ_DIR_ENTRY_BUFFER_HANDLE>(static_cast<uintptr_t>(0x123456789));
        one_of(PrjFillDirEntryBuffer(name.c_str(), &basic, made_up), {hr::invalid_argument, hr::handle}, "made up");
        application({"list", instance.root()});
        const auto gets = instance.provider.records(Kind::get, "");
        require(!gets.empty(), "a listing");
        settle(instance, application);
        one_of(PrjFillDirEntryBuffer(name.c_str(), &basic, gets.back().buffer), {hr::invalid_argument, hr::handle},
               "after the callback");
        const auto crossed = reinterpret_cast<PRJ_DIR_ENTRY_BUFFER_HANDLE>(instance.context());
        one_of(PrjFillDirEntryBuffer(name.c_str(), &basic, crossed), {hr::invalid_argument, hr::handle}, "a context");
    });
    group.test("the context of another instance", [&] {
        Instance other("other");
        other.start();
        instance.provider.put("g", file("stored"));
        std::atomic<HRESULT> result{hr::ok};
        instance.provider.hook(Kind::data, "g", [&](Record &record) -> std::optional<HRESULT> {
            char text[] = "STORED";
            result = PrjWriteFileData(other.context(), &record.stream, text, 0, 6);
            return std::nullopt;
        });
        same(application({"read", instance.at("g")}).value, "stored", "content");
        same(result, hr::handle, "PrjWriteFileData");
        instance.provider.clear_hooks();
    });
    group.test("aligned buffers", [&] {
        PRJ_VIRTUALIZATION_INSTANCE_INFO about = {};
        require_ok(PrjGetVirtualizationInstanceInfo(instance.context(), &about), "PrjGetVirtualizationInstanceInfo");
        std::vector<void *> buffers;
        for (const size_t size : {size_t{1}, size_t{512}, size_t{4097}, size_t{1} << 20}) {
            void *buffer = PrjAllocateAlignedBuffer(instance.context(), size);
            require(buffer != nullptr, "a buffer of " + std::to_string(size));
            same_number(static_cast<long long>(reinterpret_cast<uintptr_t>(buffer) % about.WriteAlignment), 0, "alignment");
            memset(buffer, 0xA5, size);
            buffers.push_back(buffer);
        }
        void *empty = PrjAllocateAlignedBuffer(instance.context(), 0);
        check(empty == nullptr || std::find(buffers.begin(), buffers.end(), empty) == buffers.end(), "one of no size");
        PrjFreeAlignedBuffer(empty);
        check(PrjAllocateAlignedBuffer(instance.context(), SIZE_MAX - 100) == nullptr, "one that is too large");
        Instance other("other");
        other.start();
        void *outlives = PrjAllocateAlignedBuffer(other.context(), 4096);
        other.stop();
        memset(outlives, 1, 4096);
        PrjFreeAlignedBuffer(outlives);
        for (void *buffer : buffers) {
            PrjFreeAlignedBuffer(buffer);
        }
    });
    group.test("PrjGetOnDiskFileState outside of any root, of the root, of nothing", [&] {
        const std::string outside = fresh_directory("outside");
        PRJ_FILE_STATE state = static_cast<PRJ_FILE_STATE>(0);
        same(PrjGetOnDiskFileState(wide(outside).c_str(), &state), hr::ok, "outside");
        same(show_state(state), "F", "state outside");
        same(PrjGetOnDiskFileState(wide(outside + "/none").c_str(), &state), hr::file_not_found, "nothing");
        same(PrjGetOnDiskFileState(wide(outside + "/no/ne").c_str(), &state), hr::path_not_found, "nothing in nothing");
        same(PrjGetOnDiskFileState(wide(instance.root()).c_str(), &state), hr::ok, "the root");
        check((state & PRJ_FILE_STATE_PLACEHOLDER) != 0, "the root is a placeholder: " + show_state(state));
        same(PrjGetOnDiskFileState(wide("").c_str(), &state), hr::invalid_argument, "an empty path");
    });
    group.test("PrjGetOnDiskFileState from another process, running and stopped", [&] {
        Instance other("other");
        other.start();
        for (const char *of : {"P", "H", "DP", "DH", "F"}) {
            bring_into_state(other, application, of, of);
            same(application({"state", other.at(of)}).value, of, std::string("running: ") + of);
        }
        bring_into_state(other, application, "T", "T");
        same(application({"state", other.at("T")}).value, show(hr::file_not_found), "running: T");
        other.stop();
        for (const char *of : {"P", "H", "DP", "DH", "F", "T"}) {
            same(application({"state", other.at(of)}).value, of, std::string("stopped: ") + of);
        }
    });
    group.test("calls race with a stop, and return", [&] {
        for (int round = 0; round < 5; round++) {
            Instance other("race");
            other.provider.put("f", file("stored"));
            other.start();
            const auto context = other.context();
            std::atomic<bool> on{true};
            std::vector<std::thread> threads;
            for (int t = 0; t < 4; t++) {
                threads.emplace_back([&, t] {
                    PlaceholderInfo mine(file("new"));
                    while (on) {
                        PRJ_VIRTUALIZATION_INSTANCE_INFO about;
                        HRESULT result = hr::ok;
                        switch (t) {
                            case 0: result = PrjGetVirtualizationInstanceInfo(context, &about); break;
                            case 1: result = PrjClearNegativePathCache(context, nullptr); break;
                            case 2: PrjDeleteFile(context, wide("f").c_str(), PRJ_UPDATE_NONE, nullptr); break;
                            default:
                                PrjWritePlaceholderInfo(context, wide("f").c_str(), mine.get(), mine.size());
                                break;
                        }
                        if (result != hr::ok && result != hr::handle) {
                            one_of(result, {hr::handle, hr::unavailable}, "a call that races with a stop");
                        }
                    }
                });
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            other.stop();
            on = false;
            for (std::thread &thread : threads) {
                thread.join();
            }
        }
    });
    group.test("everything works still", [&] { same(application({"read", instance.at("f")}).value, "stored", "content"); });
}
