//! Two ways to cut the power: the file system is shut down, or its disk is made anew from what was written to it.

use std::fs::File;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use projfs_testkit::model::Random;

use crate::Arguments;
use crate::disk::Content;
use crate::disk::Disk;
use crate::disk::Event;
use crate::figures::Figures;
use crate::model::Cut;
use crate::site::Site;
use crate::site::Through;
use crate::site::Work;
use crate::sys;
use crate::volume::Volume;

/// How many images are made of what one run wrote.
const IMAGES: usize = 20;

/// Shuts file systems down.
pub(crate) fn shut_down(
    arguments: &Arguments,
    site: &mut Site,
    random: &mut Random,
    figures: &mut Figures,
) -> Result<()> {
    let filesystem = arguments.filesystem;
    let image = site.at("image");
    while arguments.goes_on(figures) {
        let start = Instant::now();
        File::create(&image)?.set_len(filesystem.size())?;
        filesystem.make(&image)?;
        let volume = Volume::mount(filesystem, &image, &site.at("volume"))?;
        let through = through(arguments, figures.cuts);
        site.make_root(through)?;
        let (moment, spins) = (4 + random.below(150), random.below(30_000));
        let count = AtomicUsize::new(0);
        // An answer that comes while the power goes counts for nothing.
        let cutting = AtomicBool::new(false);
        let mut own = Random::new(random.number());
        let dir = site.at("volume");
        let work = std::thread::scope(|scope| {
            let cutter = scope.spawn(|| {
                while count.load(Ordering::Relaxed) < moment {
                    std::thread::yield_now();
                }
                (0..spins).for_each(|_| std::hint::spin_loop());
                cutting.store(true, Ordering::SeqCst);
                sys::shut_down(&dir)
            });
            let enough = |acts| {
                count.store(acts, Ordering::Relaxed);
                false
            };
            let work = site.work(
                filesystem,
                through,
                &mut own,
                arguments.control,
                &|| u64::from(cutting.load(Ordering::SeqCst)),
                &enough,
            );
            count.store(usize::MAX, Ordering::Relaxed);
            match cutter.join() {
                Ok(cut) => cut.and(work),
                Err(_) => anyhow::bail!("the cutter panicked"),
            }
        })?;
        volume.unmount()?;
        let volume = Volume::mount(filesystem, &image, &site.at("volume")).context("after the cut")?;
        let answered = |act: usize| work.answered.get(act) == Some(&Some(0));
        let cut = Cut {
            begun: work.model.begun(),
            answered: &answered,
            stopping: false,
            order: filesystem.order(),
        };
        judge(arguments, site, random, figures, (&work, &cut, through))?;
        volume.unmount()?;
        figures.acts += work.begun.len();
        figures.time += start.elapsed();
    }
    Ok(())
}

/// Makes disks anew: everything up to the last flush before some moment, and some of what was written between the two.
pub(crate) fn replay(
    arguments: &Arguments,
    site: &mut Site,
    random: &mut Random,
    figures: &mut Figures,
) -> Result<()> {
    let filesystem = arguments.filesystem;
    let mut round = 0;
    while arguments.goes_on(figures) {
        let start = Instant::now();
        let disk = Disk::mount(&site.at("disk"), &site.at("room"), filesystem.size())?;
        filesystem.make(&disk.path())?;
        let volume = Volume::mount(filesystem, &disk.path(), &site.at("volume"))?;
        let through = through(arguments, round);
        site.make_root(through)?;
        let base = disk.content()?;
        disk.record()?;
        round += 1;
        let acts = 30 + random.below(120);
        let work =
            site.work(filesystem, through, random, arguments.control, &|| disk.position(), &|done| {
                done >= acts
            })?;
        let log = disk.log()?;
        volume.unmount()?;
        figures.acts += work.begun.len();
        if !log.iter().any(|(event, _)| matches!(event, Event::Flush)) {
            anyhow::bail!("no flush of the file system reached the disk");
        }
        for _ in 0..IMAGES {
            if !arguments.goes_on(figures) {
                break;
            }
            let moment = 1 + random.below(log.len());
            disk.put(&image(&base, &log[..moment], filesystem.unit(), random))?;
            let position = log[moment - 1].1;
            let volume =
                Volume::mount(filesystem, &disk.path(), &site.at("volume")).context("after the cut")?;
            let answered =
                |act: usize| work.answered.get(act).copied().flatten().is_some_and(|at| at <= position);
            let begun = work.begun.iter().take_while(|at| **at <= position).count();
            let stopping = work.stopping <= position;
            let cut = Cut { begun, answered: &answered, stopping, order: filesystem.order() };
            judge(arguments, site, random, figures, (&work, &cut, through))?;
            volume.unmount()?;
        }
        figures.time += start.elapsed();
    }
    Ok(())
}

fn through(arguments: &Arguments, round: usize) -> Through {
    let both = [Through::Engine, Through::Mount];
    arguments.through.unwrap_or(both[usize::from(round % 4 == 3)])
}

/// A disk on which everything up to the last flush is, and of what follows some writes, perhaps some of their sectors.
/// That is any order too: of a sector that was written twice, a disk never keeps the older bytes over the newer.
fn image(base: &Content, log: &[(Event, u64)], unit: usize, random: &mut Random) -> Content {
    let flushed = log.iter().rposition(|(event, _)| matches!(event, Event::Flush)).map_or(0, |at| at + 1);
    let mut content = base.clone();
    for (event, _) in &log[..flushed] {
        if let Event::Write { offset, data } = event {
            content.write(*offset, data);
        }
    }
    let (percent, torn) = (random.below(101), random.chance(30));
    for (event, _) in &log[flushed..] {
        let Event::Write { offset, data } = event else { continue };
        if torn {
            for (number, sector) in data.chunks(unit).enumerate() {
                if random.chance(percent) {
                    content.write(offset + (number * unit) as u64, sector);
                }
            }
        } else if random.chance(percent) {
            content.write(*offset, data);
        }
    }
    content
}

fn judge(
    arguments: &Arguments,
    site: &mut Site,
    random: &mut Random,
    figures: &mut Figures,
    (work, cut, through): (&Work, &Cut<'_>, Through),
) -> Result<()> {
    figures.cuts += 1;
    match site.check(work, cut, through, random.chance(50), figures) {
        Ok(()) => {}
        Err(why) => {
            figures.lost += 1;
            let number = figures.cuts;
            figures.why.get_or_insert_with(|| format!("cut {number}, through {through:?}: {why:#}"));
            if arguments.verbose {
                eprintln!("cut {number}, through {through:?}: {why:#}");
            }
        }
    }
    Ok(())
}
