// A provider in C#, as for Windows: a few poems in memory, delivered from the thread pool.
//
//     mcs Poems.cs && mono Poems.exe ROOT        (on Windows: csc Poems.cs)
//
// It runs until its input ends. Nobody can delete a poem.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

static class ProjFs
{
    const string Library = "ProjectedFSLib.dll";

    public const int S_OK = 0;
    public const int ErrorFileNotFound = unchecked((int)0x80070002);
    public const int ErrorIoPending = unchecked((int)0x800703E5);
    public const int ErrorInsufficientBuffer = unchecked((int)0x8007007A);
    public const int ErrorReparsePointEncountered = unchecked((int)0x8007112B);
    public const int StatusCannotDelete = unchecked((int)0xD0000121);

    public const int PreDelete = 0x10;
    public const uint RestartScan = 1;

    [StructLayout(LayoutKind.Sequential)]
    public struct CallbackData
    {
        public uint Size;
        public uint Flags;
        public IntPtr Context;
        public int CommandId;
        public Guid FileId;
        public Guid DataStreamId;
        public IntPtr FilePathName;
        public IntPtr VersionInfo;
        public uint TriggeringProcessId;
        public IntPtr TriggeringProcessImageFileName;
        public IntPtr InstanceContext;

        public string Path { get { return Marshal.PtrToStringUni(FilePathName); } }
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct BasicInfo
    {
        [MarshalAs(UnmanagedType.U1)] public bool IsDirectory;
        public long FileSize;
        public long CreationTime;
        public long LastAccessTime;
        public long LastWriteTime;
        public long ChangeTime;
        public uint FileAttributes;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct PlaceholderInfo
    {
        public BasicInfo Basic;
        public uint EaBufferSize, OffsetToFirstEa;
        public uint SecurityBufferSize, OffsetToSecurityDescriptor;
        public uint StreamsInfoBufferSize, OffsetToFirstStreamInfo;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 128)] public byte[] ProviderId;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 128)] public byte[] ContentId;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 8)] public byte[] VariableData;
    }

    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    public delegate int Enumeration(ref CallbackData data, ref Guid enumeration);
    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    public delegate int GetEnumeration(ref CallbackData data, ref Guid enumeration, IntPtr expression, IntPtr buffer);
    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    public delegate int Question(ref CallbackData data);
    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    public delegate int GetFileData(ref CallbackData data, ulong offset, uint length);
    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    public delegate int Notification(
        ref CallbackData data, byte isDirectory, int notification, IntPtr destination, IntPtr parameters);
    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    public delegate void Cancel(ref CallbackData data);

    [StructLayout(LayoutKind.Sequential)]
    public struct Callbacks
    {
        public Enumeration Start;
        public Enumeration End;
        public GetEnumeration Get;
        public Question PlaceholderInfo;
        public GetFileData FileData;
        public Question QueryFileName;
        public Notification Notify;
        public Cancel CancelCommand;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Mapping
    {
        public int Mask;
        [MarshalAs(UnmanagedType.LPWStr)] public string Root;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Options
    {
        public int Flags;
        public uint PoolThreadCount;
        public uint ConcurrentThreadCount;
        public IntPtr Mappings;
        public uint MappingsCount;
    }

    [DllImport(Library, CharSet = CharSet.Unicode, ExactSpelling = true)]
    public static extern int PrjMarkDirectoryAsPlaceholder(string root, string target, IntPtr version, ref Guid instance);
    [DllImport(Library, CharSet = CharSet.Unicode, ExactSpelling = true)]
    public static extern int PrjStartVirtualizing(
        string root, ref Callbacks callbacks, IntPtr instanceContext, ref Options options, out IntPtr context);
    [DllImport(Library, ExactSpelling = true)]
    public static extern void PrjStopVirtualizing(IntPtr context);
    [DllImport(Library, CharSet = CharSet.Unicode, ExactSpelling = true)]
    public static extern int PrjWritePlaceholderInfo(IntPtr context, string name, ref PlaceholderInfo info, uint size);
    [DllImport(Library, ExactSpelling = true)]
    public static extern int PrjWriteFileData(IntPtr context, ref Guid stream, byte[] buffer, ulong offset, uint length);
    [DllImport(Library, ExactSpelling = true)]
    public static extern int PrjCompleteCommand(IntPtr context, int command, int result, IntPtr extended);
    [DllImport(Library, CharSet = CharSet.Unicode, ExactSpelling = true)]
    public static extern int PrjFillDirEntryBuffer(string name, ref BasicInfo info, IntPtr buffer);
    [DllImport(Library, CharSet = CharSet.Unicode, ExactSpelling = true)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static extern bool PrjFileNameMatch(string name, string pattern);
    [DllImport(Library, CharSet = CharSet.Unicode, ExactSpelling = true)]
    public static extern int PrjFileNameCompare(string one, string other);
}

sealed class Poems
{
    // Every file, with backslashes; directories follow from them.
    readonly Dictionary<string, byte[]> files = new Dictionary<string, byte[]> {
        { "about.txt", Encoding.UTF8.GetBytes("Poems, one a file.\n") },
        { "haiku\\frog.txt", Encoding.UTF8.GetBytes("An old silent pond.\nA frog jumps into the pond.\nSplash! Silence again.\n") },
        { "haiku\\\u86d9.txt", Encoding.UTF8.GetBytes("\u53e4\u6c60\u86d9\u98db\u3073\u3053\u3080\u6c34\u306e\u97f3\n") },
        { "limerick\\empty.txt", new byte[0] },
    };

    sealed class Session
    {
        public IEnumerator<string> Names;
        public string Refused;
    }

    readonly ConcurrentDictionary<Guid, Session> sessions = new ConcurrentDictionary<Guid, Session>();

    bool IsDirectory(string path)
    {
        return path == "" || files.Keys.Any(file => Same(Parent(file), path));
    }

    static string Parent(string path)
    {
        int slash = path.LastIndexOf('\\');
        return slash < 0 ? "" : path.Substring(0, slash);
    }

    static bool Same(string one, string other)
    {
        return ProjFs.PrjFileNameCompare(one, other) == 0;
    }

    // The item as it is spelled here; null if there is none.
    string Find(string path)
    {
        var known = files.Keys.Concat(files.Keys.Select(Parent));
        return known.FirstOrDefault(item => item != "" && Same(item, path));
    }

    ProjFs.BasicInfo Basic(string path)
    {
        byte[] content;
        bool isFile = files.TryGetValue(path, out content);
        long time = new DateTime(2020, 2, 29, 12, 0, 0, DateTimeKind.Utc).ToFileTimeUtc();
        return new ProjFs.BasicInfo {
            IsDirectory = !isFile, FileSize = isFile ? content.Length : 0,
            CreationTime = time, LastAccessTime = time, LastWriteTime = time, ChangeTime = time,
        };
    }

    public int Start(ref ProjFs.CallbackData data, ref Guid enumeration)
    {
        if (!IsDirectory(data.Path)) return ProjFs.ErrorFileNotFound;
        sessions[enumeration] = new Session();
        return ProjFs.S_OK;
    }

    public int End(ref ProjFs.CallbackData data, ref Guid enumeration)
    {
        Session gone;
        sessions.TryRemove(enumeration, out gone);
        return ProjFs.S_OK;
    }

    public int Get(ref ProjFs.CallbackData data, ref Guid enumeration, IntPtr expression, IntPtr buffer)
    {
        Session session = sessions[enumeration];
        string directory = data.Path, pattern = Marshal.PtrToStringUni(expression);
        if (session.Names == null || (data.Flags & ProjFs.RestartScan) != 0) {
            var names = files.Keys.Concat(files.Keys.Select(Parent)).Distinct()
                .Where(item => item != "" && Same(Parent(item), directory))
                .Select(item => item.Substring(item.LastIndexOf('\\') + 1))
                .Where(name => string.IsNullOrEmpty(pattern) || ProjFs.PrjFileNameMatch(name, pattern)).ToList();
            names.Sort(ProjFs.PrjFileNameCompare);
            session.Names = names.GetEnumerator();
            session.Refused = null;
        }
        bool added = false;
        for (;;) {
            string name = session.Refused;
            session.Refused = null;
            if (name == null) {
                if (!session.Names.MoveNext()) return ProjFs.S_OK;
                name = session.Names.Current;
            }
            ProjFs.BasicInfo info = Basic(Find(directory == "" ? name : directory + "\\" + name));
            int result = ProjFs.PrjFillDirEntryBuffer(name, ref info, buffer);
            if (result == ProjFs.ErrorInsufficientBuffer) {
                // What did not fit comes first the next time.
                session.Refused = name;
                return added ? ProjFs.S_OK : result;
            }
            if (result < 0) return result;
            added = true;
        }
    }

    public int PlaceholderInfo(ref ProjFs.CallbackData data)
    {
        string path = Find(data.Path);
        if (path == null) return ProjFs.ErrorFileNotFound;
        var info = new ProjFs.PlaceholderInfo {
            Basic = Basic(path), ProviderId = new byte[128], ContentId = new byte[128], VariableData = new byte[8],
        };
        return ProjFs.PrjWritePlaceholderInfo(data.Context, path, ref info, (uint)Marshal.SizeOf(info));
    }

    public int FileData(ref ProjFs.CallbackData data, ulong offset, uint length)
    {
        byte[] content;
        if (!files.TryGetValue(Find(data.Path) ?? "", out content)) return ProjFs.ErrorFileNotFound;
        // What is needed later has to be copied: the callback's data are gone then.
        IntPtr context = data.Context;
        Guid stream = data.DataStreamId;
        int command = data.CommandId;
        ThreadPool.QueueUserWorkItem(_ => {
            byte[] part = new byte[length];
            Array.Copy(content, (long)offset, part, 0, part.Length);
            int result = ProjFs.PrjWriteFileData(context, ref stream, part, offset, length);
            ProjFs.PrjCompleteCommand(context, command, result, IntPtr.Zero);
        });
        return ProjFs.ErrorIoPending;
    }

    public int QueryFileName(ref ProjFs.CallbackData data)
    {
        return Find(data.Path) != null ? ProjFs.S_OK : ProjFs.ErrorFileNotFound;
    }

    public int Notify(ref ProjFs.CallbackData data, byte isDirectory, int notification, IntPtr destination, IntPtr parameters)
    {
        return notification == ProjFs.PreDelete && Find(data.Path) != null ? ProjFs.StatusCannotDelete : ProjFs.S_OK;
    }

    static int Main(string[] arguments)
    {
        if (arguments.Length != 1) {
            Console.Error.WriteLine("usage: Poems ROOT");
            return 2;
        }
        string root = arguments[0];
        var instance = new Guid("9a1ecb4e-1f3c-4f4b-8c36-0b54e9a4d7c1");
        int result = ProjFs.PrjMarkDirectoryAsPlaceholder(root, null, IntPtr.Zero, ref instance);
        if (result < 0 && result != ProjFs.ErrorReparsePointEncountered) {
            Console.Error.WriteLine("PrjMarkDirectoryAsPlaceholder: 0x{0:x8}", result);
            return 1;
        }
        var poems = new Poems();
        var callbacks = new ProjFs.Callbacks {
            Start = poems.Start, End = poems.End, Get = poems.Get, PlaceholderInfo = poems.PlaceholderInfo,
            FileData = poems.FileData, QueryFileName = poems.QueryFileName, Notify = poems.Notify,
            CancelCommand = (ref ProjFs.CallbackData data) => { },
        };
        var mapping = new ProjFs.Mapping { Mask = ProjFs.PreDelete, Root = "" };
        IntPtr mappings = Marshal.AllocHGlobal(Marshal.SizeOf(mapping));
        Marshal.StructureToPtr(mapping, mappings, false);
        var options = new ProjFs.Options { Mappings = mappings, MappingsCount = 1 };
        IntPtr context;
        result = ProjFs.PrjStartVirtualizing(root, ref callbacks, IntPtr.Zero, ref options, out context);
        Marshal.FreeHGlobal(mappings);
        if (result < 0) {
            Console.Error.WriteLine("PrjStartVirtualizing: 0x{0:x8}", result);
            return 1;
        }
        Console.WriteLine("ready");
        while (Console.Read() >= 0) { }
        ProjFs.PrjStopVirtualizing(context);
        // The library calls these until here.
        GC.KeepAlive(callbacks);
        return 0;
    }
}
